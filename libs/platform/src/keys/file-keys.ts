/** Keys in files of one directory: a root secret per use, from which tenants' keys are derived, and one file per epoch. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TenantId } from '#kernel';
import {
  completeDestructions,
  destroyEpochFile,
  epochAfter,
  epochFile,
  livingEpochs,
  readEpoch,
} from './epoch-files.js';
import {
  assertPrivate,
  createKeyFile,
  destroyHalves,
  keyMissing,
  readKeyFile,
  writePrivate,
  type KeyFile,
} from './key-file.js';
import {
  KeyProvider,
  KeyUnavailable,
  type MacUse,
  type RotatedUse,
  type SignUse,
  type WrappedKey,
} from './key-provider.js';

const macUses: readonly MacUse[] = ['lookup', 'suppression', 'idempotency', 'actor', 'cursor', 'item'];
const roots = [...macUses.map((use) => `mac-${use}`), 'sign-log', 'sign-log-next', 'sign-certificate', 'sign-session'];
const RING = 'keyring.json';
/** DER of an Ed25519 private key up to its 32-byte seed (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const MAX_DERIVED = 20_000;

/**
 * `KeyProvider` over a directory of mode 0700 that stands outside the data directory, so that a backup of the one never
 * holds the other. Key-encryption epochs are random, not derived: destroying the file of an epoch destroys the epoch.
 */
export class FileKeys extends KeyProvider {
  readonly ringId: string;
  private readonly derived = new Map<string, KeyObject>();
  private epoch = '';

  private constructor(
    private readonly directory: string,
    private readonly secrets: Map<string, KeyFile>,
  ) {
    super();
    // The two whose loss nothing can repair: every stored lookup and suppression row was made with them.
    this.ringId = digest(`${this.root('mac-lookup').id} ${this.root('mac-suppression').id}`).slice(0, 32);
  }

  /**
   * Opens the directory, making it on first use. A directory that was complete once and lacks a key now is refused: a new
   * key in its place would orphan everything the old one protects. `begun`: somewhere things are sealed under its keys, so
   * that the first use is over, and a directory without them is the wrong one.
   */
  static async open(directory: string, begun = false): Promise<FileKeys> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await assertPrivate(directory, 'directory');
    await completeDestructions(directory);
    await destroyHalves(directory);
    const ring = await readRing(directory);
    const secrets = new Map<string, KeyFile>();
    // What was added by rotations stands in the ring as well.
    for (const name of new Set([...roots, ...Object.keys(ring ?? {})])) {
      const known = ring?.[name];
      const make = known === undefined && (ring !== undefined || !begun);
      const key = make ? await createKeyFile(directory, name) : await readKeyFile(directory, name);
      if (!key) throw keyMissing(name);
      if (known !== undefined && known !== key.id) throw exchanged(name);
      secrets.set(name, key);
    }
    const keys = new FileKeys(directory, secrets);
    // The ring is written last: a directory without one never finished its first start, and may be completed.
    if (!ring && !begun && (await livingEpochs(directory)).length === 0) await keys.newEpoch();
    if (!ring || roots.some((name) => ring[name] === undefined)) await keys.writeRing();
    await keys.currentEpoch();
    return keys;
  }

  async wrap(tenant: TenantId, key: Buffer): Promise<WrappedKey> {
    const epoch = this.epoch;
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', await this.epochKey(tenant, epoch), iv).setAAD(
      Buffer.from(`${tenant}|${epoch}`),
    );
    return { epoch, wrapped: Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()]) };
  }

  async unwrap(tenant: TenantId, epoch: string, wrapped: Buffer): Promise<Buffer> {
    const key = await this.epochKey(tenant, epoch);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(`${tenant}|${epoch}`)).setAuthTag(wrapped.subarray(-16));
      return Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()]);
    } catch {
      throw new KeyUnavailable('damaged', 'A wrapped key was changed or belongs to another tenant.');
    }
  }

  mac(tenant: TenantId, use: MacUse, data: string | Buffer, generation = 1): Buffer {
    return createHmac('sha256', this.derive(fileOf(use, generation), tenant))
      .update(data)
      .digest();
  }

  macKeyId(use: MacUse, generation = 1): string {
    return this.root(fileOf(use, generation)).id;
  }

  async sign(tenant: TenantId, use: SignUse, message: Buffer, generation = 1): Promise<Buffer> {
    await this.load(fileOf(use, generation));
    return sign(null, message, this.signingKey(tenant, fileOf(use, generation)));
  }

  async publicKey(tenant: TenantId, use: SignUse, generation = 1): Promise<Buffer> {
    await this.load(fileOf(use, generation));
    return this.rawPublicKey(tenant, fileOf(use, generation));
  }

  async nextLogKeyHash(tenant: TenantId, generation = 1): Promise<Buffer> {
    return createHash('sha256')
      .update(await this.publicKey(tenant, 'log', generation + 1))
      .digest();
  }

  async addGeneration(use: RotatedUse, generation: number): Promise<string> {
    const name = fileOf(use, generation);
    const key = await createKeyFile(this.directory, name);
    this.secrets.set(name, key);
    await this.writeRing();
    return key.id;
  }

  ready(use: RotatedUse, generation: number): Promise<void> {
    return this.load(fileOf(use, generation));
  }

  async currentEpoch(): Promise<string> {
    const epochs = await livingEpochs(this.directory);
    const newest = epochs.at(-1);
    if (newest === undefined) throw keyMissing('kek');
    // Another process may have destroyed an epoch: its key must not live on in this one's memory.
    for (const name of this.derived.keys())
      if (name.startsWith('kek-') && !epochs.includes(name.slice(4, 40))) this.derived.delete(name);
    this.epoch = newest;
    return newest;
  }

  async newEpoch(): Promise<string> {
    const epoch = epochAfter((await livingEpochs(this.directory)).at(-1));
    await createKeyFile(this.directory, epochFile(epoch));
    this.epoch = epoch;
    return epoch;
  }

  async epochKeyId(epoch: string): Promise<string | undefined> {
    return (await readEpoch(this.directory, epoch))?.id;
  }

  async destroyEpoch(epoch: string): Promise<void> {
    if (epoch === (await this.currentEpoch()))
      throw new KeyUnavailable('missing', 'The current epoch cannot be destroyed. Begin a new one first.');
    await destroyEpochFile(this.directory, epoch);
    await this.currentEpoch();
  }

  private async epochKey(tenant: TenantId, epoch: string): Promise<KeyObject> {
    const name = epochFile(epoch);
    const cached = this.derived.get(`${name}|${tenant}`);
    if (cached) return cached;
    const file = await readEpoch(this.directory, epoch);
    if (!file) throw new KeyUnavailable('destroyed', 'This key-encryption epoch was destroyed by design.');
    return this.keep(`${name}|${tenant}`, deriveFrom(file.secret, `kek|${tenant}`));
  }

  private derive(name: string, tenant: TenantId): KeyObject {
    const cacheName = `${name}|${tenant}`;
    return this.derived.get(cacheName) ?? this.keep(cacheName, deriveFrom(this.root(name).secret, cacheName));
  }

  private signingKey(tenant: TenantId, name: string): KeyObject {
    const cacheName = `${name}|${tenant}`;
    const cached = this.derived.get(cacheName);
    if (cached) return cached;
    const seed = Buffer.from(hkdfSync('sha256', this.root(name).secret, '', cacheName, 32));
    return this.keep(
      cacheName,
      createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' }),
    );
  }

  private rawPublicKey(tenant: TenantId, name: string): Buffer {
    return createPublicKey(this.signingKey(tenant, name)).export({ format: 'der', type: 'spki' }).subarray(-32);
  }

  private root(name: string): KeyFile {
    const key = this.secrets.get(name);
    if (!key) throw keyMissing(name);
    return key;
  }

  private keep(name: string, key: KeyObject): KeyObject {
    if (this.derived.size >= MAX_DERIVED) this.derived.clear();
    this.derived.set(name, key);
    return key;
  }

  private async load(name: string): Promise<void> {
    if (this.secrets.has(name)) return;
    const key = await readKeyFile(this.directory, name);
    const known = (await readRing(this.directory))?.[name];
    if (!key) throw keyMissing(name);
    if (known !== undefined && known !== key.id) throw exchanged(name);
    this.secrets.set(name, key);
  }

  /** Adds what this process knows; what another one added stays. */
  private async writeRing(): Promise<void> {
    const mine = Object.fromEntries([...this.secrets.values()].map((key) => [key.name, key.id]));
    const ring = { ...(await readRing(this.directory)), ...mine };
    await writePrivate(this.directory, RING, `${JSON.stringify(ring, null, 2)}\n`);
  }
}

async function readRing(directory: string): Promise<Record<string, string> | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, RING), 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KeyUnavailable('damaged', `${RING} cannot be read. Restore it from the escrowed copy.`);
  }
}

function deriveFrom(secret: Buffer, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `lethe|${info}`, 32)));
}

/** The file of a generation. The second log key has been there from the beginning, because the log commits it. */
function fileOf(use: MacUse | SignUse, generation: number): string {
  const first = `${macUses.some((mac) => mac === use) ? 'mac' : 'sign'}-${use}`;
  if (generation === 1) return first;
  return use === 'log' && generation === 2 ? 'sign-log-next' : `${first}-${generation}`;
}

function exchanged(name: string): KeyUnavailable {
  return new KeyUnavailable('damaged', `Key file ${name} is not the one this directory began with. Restore it.`, name);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
