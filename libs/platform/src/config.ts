/** The environment, in one schema. Unknown `LETHE_*` names are refused: a misspelt setting must not be silent. */
import { resolve } from 'node:path';
import { z } from 'zod';

const roles = z.enum(['api', 'worker', 'signer']);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

const urlOf = (protocol: RegExp, example: string) => z.url({ protocol, error: `expected ${example}` });
const postgres = urlOf(/^postgres(ql)?$/, 'postgres://user:password@host:port/database').optional();

/** Every variable Lethe reads, with its default. */
export const environmentSchema = z.object({
  PORT: z.coerce.number().int().min(0).max(65535).default(3000).describe('Port of the API'),
  LETHE_HOST: z.string().default('127.0.0.1').describe('Address the API listens on'),
  LETHE_TRUSTED_PROXIES: list
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])))
    .default([])
    .describe('Addresses or networks of proxies whose X-Forwarded-For is believed; wrong credentials count by address'),
  LETHE_MAX_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(10)
    .max(1_000_000)
    .optional()
    .describe('Connections the API holds at once; when absent 10000, or three quarters of the open files it may have'),
  DATABASE_URL: postgres.describe('PostgreSQL of the ledger, as a role that owns nothing; embedded when absent'),
  LETHE_MIGRATION_URL: postgres.describe('The same database as its owner, for migrations'),
  LETHE_KEYSTORE_URL: postgres.describe('PostgreSQL of the key store; needed with DATABASE_URL, embedded otherwise'),
  LETHE_KEYSTORE_MIGRATION_URL: postgres.describe('The key store as its owner, for migrations'),
  LETHE_DATA_DIR: z.string().default('.data').describe('Embedded databases, packages and demo files'),
  LETHE_KEY_DIR: z.string().optional().describe('Key files, mode 0700; the folder $LETHE_DATA_DIR-keys when absent'),
  LETHE_EPOCH_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .describe(
      'Days after which a key-encryption key is replaced and destroyed: how long a backup opens what was erased',
    ),
  LETHE_ARCHIVE_URL: z
    .string()
    .optional()
    .describe('file:// URL of a folder that leaves and tiles are copied to, for others to keep'),
  LETHE_ACCEPT_SCHEMA: list
    .pipe(z.array(z.string().regex(/^\d{4}-[a-z0-9-]+$/, 'expected migrations as the refusal lists them')))
    .default([])
    .describe('Migrations of a newer build beside which this one may run during an upgrade; each of them, with commas'),
  LETHE_CHECKPOINT_LOCK: z
    .string()
    .optional()
    .describe('Folder of the last signed heads, outside the database; $LETHE_DATA_DIR/checkpoints when absent'),
  LETHE_LOG_NAME: z
    .string()
    .regex(/^[a-z0-9.-]{1,100}$/)
    .default('lethe')
    .describe('Stable name in every log origin; never changes after bootstrap'),
  LETHE_ROLES: list.pipe(z.array(roles).min(1)).default(['api', 'worker', 'signer']).describe('What this process runs'),
  LETHE_OIDC_ISSUERS: z.string().optional().describe('JSON: [{issuer, audience, tenant, jwksUri}]; keys come by https'),
  LETHE_SMTP_URL: urlOf(/^smtps?$/, 'smtp://host:port')
    .optional()
    .describe('Mail server for codes and answers; letters only when absent'),
  LETHE_MAIL_FROM: z.string().default('Privacy office <privacy@example.test>').describe('Sender of mail'),
  LETHE_OUTBOUND_ALLOW: list
    .pipe(z.array(z.string().regex(/^[a-z0-9.:[\]-]+:[0-9]{1,5}$/)))
    .default([])
    .describe(
      'Exact host:port pairs that webhooks, remote endpoints and jwksUri may reach though inward or without TLS',
    ),
  LETHE_PLUGIN_DIR: z
    .string()
    .optional()
    .describe('Installed plugins, by content hash; $LETHE_DATA_DIR/plugins when absent'),
  LETHE_MIN_ISOLATION: z
    .enum(['sandbox', 'process'])
    .default('process')
    .describe('Weakest isolation a plugin may run at'),
  LETHE_DRAIN_SECONDS: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(15)
    .describe('Longest time a replica answers calls after SIGTERM, not ready any more'),
  LETHE_DRAIN_LEAST_SECONDS: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(7)
    .describe('Shortest such time, so that a balancer notices: three looks at /readyz, 2 s apart; none when embedded'),
  LETHE_ADMIN_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('Port of /metrics, /healthz and /readyz on 127.0.0.1; closed when absent'),
  LETHE_MIN_FREE_MB: z.coerce
    .number()
    .int()
    .min(0)
    .default(128)
    .describe('Mebibytes that stay free on the disk of the data directory; with less, nothing is recorded'),
  LETHE_LOAD_SHEDDING: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Under overload, refuse what can wait: access log, then batches, then requests; withdrawals never'),
  LETHE_API_KEY: z.string().optional().describe('Key the command line calls with; .data/demo.json when absent'),
  LETHE_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Verbosity of the process log'),
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(/^https?$/, 'http://host:port')
    .optional()
    .describe('Collector of traces (OTLP over HTTP); none are made when absent'),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional().describe('Headers for the collector: name=value, comma separated'),
  OTEL_SERVICE_NAME: z.string().default('lethe').describe('Name of this service in traces'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Part of the traces begun here that is kept; a caller decides for those it began'),
});

/** The validated settings of one process. */
export type Config = z.infer<typeof environmentSchema> & {
  dataDir: string;
  keyDir: string;
  pluginDir: string;
  embedded: boolean;
};

/** Reads and validates an environment. Throws with the names, never the values, of what is wrong. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const known = new Set(Object.keys(environmentSchema.shape));
  // Test clusters and the demo announce themselves under LETHE_TEST_*; production never sets those.
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('LETHE_') && !known.has(name) && !name.startsWith('LETHE_TEST_'),
  );
  if (unknown.length > 0)
    throw new Error(`unknown setting ${unknown.join(', ')}: see the table of settings in docs/operations.md`);
  const picked = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => known.has(name) && value !== ''),
  );
  const parsed = environmentSchema.safeParse(picked);
  if (!parsed.success) {
    // zod tells what it expects, and of what it got no more than the type.
    const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')} (${message})`);
    throw new Error(`invalid setting: ${wrong.join('; ')}. See the table of settings in docs/operations.md`);
  }
  const { PORT: port, LETHE_ADMIN_PORT: admin } = parsed.data;
  if (admin !== undefined && admin === port && port !== 0)
    throw new Error('invalid setting: LETHE_ADMIN_PORT must be another port than PORT');
  const dataDir = resolve(parsed.data.LETHE_DATA_DIR);
  return {
    ...parsed.data,
    dataDir,
    keyDir: resolve(parsed.data.LETHE_KEY_DIR ?? `${dataDir}-keys`),
    pluginDir: resolve(parsed.data.LETHE_PLUGIN_DIR ?? `${dataDir}/plugins`),
    embedded: parsed.data.DATABASE_URL === undefined,
  };
}

/** This process's environment; the only place that reads it. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
