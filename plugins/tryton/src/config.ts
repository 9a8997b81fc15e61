/** What a connection to Tryton is configured with. */
import { ConnectorError } from '@lethe/plugin-sdk';
import { z } from 'zod';

/** Configuration of a connection: address of the server, name of its database, login of the user Lethe acts as. */
export interface TrytonConfig {
  url: string;
  database: string;
  user: string;
}

const schema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  database: z.string().regex(/^[\w.-]{1,63}$/),
  user: z.string().min(1).max(200),
});

/** Checks a configuration. @throws ConnectorError of class `config`. */
export function parseConfig(config: unknown): TrytonConfig {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || issue.code).join(', ');
  throw new ConnectorError({ class: 'config', code: 'config-invalid' }, `The configuration is not valid: ${fields}.`);
}
