/** The regimes and rights the engine has rows for. */

/** Laws with deadline rows. One request may run under several at once, each with its own clocks. */
export const REGIMES = ['eu-gdpr', 'uk-gdpr', 'us-ca', 'br-lgpd'] as const;

/** One of {@link REGIMES}. */
export type RegimeId = (typeof REGIMES)[number];

/** The rights a person may use. A row exists per regime and right; a pair without an enabled row is refused. */
export const REQUEST_TYPES = [
  'access',
  'erasure',
  'objection',
  'withdrawal',
  'rectification',
  'restriction',
  'portability',
  'opt-out',
] as const;

/** One of {@link REQUEST_TYPES}. */
export type RequestType = (typeof REQUEST_TYPES)[number];
