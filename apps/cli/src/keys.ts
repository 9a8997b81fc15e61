/** `lethe keys`: says which keys are in use, and replaces them. Works on key files and databases, whether the service is up or down. */
import { parseArgs } from 'node:util';
import type { TenantId } from '#kernel';
import { CertificateKeys, epochHorizon, KeyRotation, KeyStore, lookupKeyState } from '#subjects';
import { Tenants } from '#tenancy';
import { commandConfig, openApplication, type OpenApplication } from './open-application.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe keys status',
  '       lethe keys rotate epoch                                  new key-encryption key; the old one is destroyed',
  '       lethe keys rotate lookup|log|certificate [--tenant <id>]  all tenants when none is named',
];
/** Pseudonym of the operator at the machine. */
const ACTOR = 'system:operator';

const refusals: Record<string, string> = {
  suppression:
    'a suppression key is never replaced: the identifiers behind the rows are gone, so nothing could be hashed anew, and who was erased would come back.',
  webhook: 'a webhook secret belongs to its endpoint: rotate it there (POST /v1/webhook-endpoints/{id}/rotate-secret).',
};

export const keysVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({
    args,
    options: { tenant: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const [what, kind = ''] = positionals;
  if (values.help || what === undefined) {
    usage.forEach(terminal.say);
    return values.help ? 0 : 2;
  }
  if (what === 'rotate' && Object.hasOwn(refusals, kind)) throw new Usage(refusals[kind] ?? '');
  const rotate = what === 'rotate' ? rotations[kind] : undefined;
  if (what !== 'status' && !rotate) throw new Usage(usage.join('\n'));
  const open = await openApplication(commandConfig(terminal), { reads: !rotate });
  try {
    const all = (await open.app.get(Tenants).all()).map(({ id }) => id);
    const tenants = all.filter((id) => values.tenant === undefined || id === values.tenant);
    if (tenants.length === 0) throw new Usage('no tenant has that id.');
    await (rotate ?? status)(open, tenants, terminal);
  } finally {
    await open.close();
  }
  return 0;
};

type Act = (open: OpenApplication, tenants: readonly TenantId[], terminal: Terminal) => Promise<void>;

const rotations: Record<string, Act> = {
  epoch: async ({ app }, tenants, { say }) => {
    const rotation = await app.get(KeyRotation).epoch(tenants, ACTOR);
    say(`epoch ${rotation.epoch} begun, ${rotation.rewrapped} keys wrapped anew`);
    for (const old of rotation.destroyed) say(`epoch ${old} destroyed: no backup opens what was shredded before`);
  },
  lookup: async ({ app }, tenants, { say }) => {
    for (const tenant of tenants) {
      const { rows, unreadable, finished } = await app.get(KeyRotation).lookup(tenant, ACTOR);
      const left = finished ? 'the old key answers no longer' : `${unreadable} rows are left; the service goes on`;
      say(`${tenant}  ${rows} identifiers hashed anew; ${left}`);
    }
  },
  log: async ({ app, parts }, tenants, { say }) => {
    // The old key must have sealed its successor's commitment; with the service down nobody else would sign.
    await parts.signer.round();
    for (const tenant of tenants) {
      const { keyId, position } = await app.get(KeyRotation).log(tenant, ACTOR);
      say(`${tenant}  log key ${keyId} signs from position ${position} on`);
    }
    await parts.signer.round();
    for (const tenant of tenants) say(`${tenant}  ${(await parts.reader.identity(tenant)).vkey}`);
  },
  certificate: async ({ app }, tenants, { say }) => {
    for (const tenant of tenants) {
      const { keyId } = await app.get(KeyRotation).certificate(tenant, ACTOR);
      say(`${tenant}  certificate key ${keyId} signs from now on; what the old one signed stays valid`);
    }
  },
};

const status: Act = async ({ app, parts }, tenants, { say }) => {
  const keyStore = app.get(KeyStore);
  const { horizon, oldestEpochSince } = await epochHorizon(keyStore);
  say(
    `epoch ${await parts.keys.currentEpoch()}, oldest alive since ${oldestEpochSince?.toISOString() ?? 'never used'}`,
  );
  say(`last epoch destroyed: ${horizon?.toISOString() ?? 'none yet'}`);
  say(`suppression key ${parts.keys.macKeyId('suppression')} (never replaced)`);
  for (const tenant of tenants) {
    const lookup = await lookupKeyState(parts.database, tenant);
    const overlap = lookup.generation > 1 && lookup.rekeyedAt === null ? ', rows are being hashed anew' : '';
    say(`${tenant}  lookup key ${lookup.generation}${overlap}`);
    for (const { vkey, fromSize } of await parts.reader.logKeys(tenant))
      say(`${tenant}  log from ${fromSize}: ${vkey}`);
    for (const { keyId, validFrom, validUntil } of await app.get(CertificateKeys).list(tenant))
      say(`${tenant}  certificates: ${keyId} from ${validFrom ?? 'the beginning'} until ${validUntil ?? 'now'}`);
  }
};
