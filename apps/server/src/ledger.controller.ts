/** The log over HTTP: what an auditor needs to check it without trusting whoever serves it (C2SP tlog-tiles, tlog-proof). */
import { Controller, Get, Header, Param, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import { DomainError, notFound } from '#kernel';
import {
  formatEntryBundle,
  formatTile,
  leafHash,
  LogReader,
  parseTilePath,
  TILE_WIDTH,
  type LogIdentity,
  type TileName,
} from '#ledger';
import { Answers, Audited, By, Can, Caller } from '#platform';

const Ledger = z
  .strictObject({
    logId: z.string(),
    epoch: z.int(),
    origin: z.string(),
    vkey: z.string(),
    size: z.int(),
    signedSize: z.int().nullable(),
    keys: z
      .array(z.strictObject({ vkey: z.string(), fromSize: z.int(), since: z.iso.datetime().nullable() }))
      .describe(
        'Every key of the log, the first one first: checkpoints of fromSize and above, up to the next, are signed with it',
      ),
  })
  .meta({ id: 'Ledger' });
const Entry = z
  .strictObject({
    position: z.int(),
    bytes: z.base64(),
    leafHash: z.base64(),
    type: z.string(),
    recordedAt: z.iso.datetime(),
  })
  .meta({ id: 'LedgerEntry' });
const Consistency = z
  .strictObject({ from: z.int(), to: z.int(), hashes: z.array(z.base64()) })
  .meta({ id: 'LedgerConsistency' });
const count = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,14})$/)
  .transform(Number);
const Sizes = z.strictObject({ from: count, to: count });
const logId = z.string().max(100);
const Text = z.string().meta({ id: 'LedgerText' });
const Bytes = z.string().meta({ id: 'LedgerBytes', format: 'binary' });
const SEALED = 'ledger bytes are sealed';

/** What stands for `*` in the route: index and width of a tile, as C2SP writes them. */
interface TileRequest {
  params: { '*': string };
}
const TilePath = (): MethodDecorator =>
  ApiParam({
    name: 'path',
    description: '`<index>` or `<index>.p/<width>`, index as in c2sp.org/tlog-tiles',
    schema: { type: 'string' },
  });

interface Reply {
  header(name: string, value: string): Reply;
}

@Controller('v1')
export class LedgerController {
  constructor(private readonly reader: LogReader) {}

  @Get('ledger')
  @Can('read', 'Ledger')
  @Audited('ledger.show', 'exempt', 'names the log and its public key')
  @Answers(200, Ledger)
  async showLedger(@By() by: Caller): Promise<z.infer<typeof Ledger>> {
    const [identity, latest, keys] = await Promise.all([
      this.reader.identity(by.tenant),
      this.reader.latestCheckpoint(by.tenant),
      this.reader.logKeys(by.tenant),
    ]);
    return {
      ...identity,
      signedSize: latest?.size ?? null,
      keys: keys.map(({ vkey, fromSize, since }) => ({ vkey, fromSize, since: since?.toISOString() ?? null })),
    };
  }

  @Get('logs/:logId/checkpoint')
  @Can('read', 'Ledger')
  @Audited('ledger.checkpoint', 'exempt', SEALED)
  @ApiProduces('text/plain')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('cache-control', 'no-store')
  @Answers(200, Text)
  async readCheckpoint(@By() by: Caller, @Param('logId', { schema: logId }) id: string): Promise<string> {
    await this.ownLog(by, id);
    return ((await this.reader.latestCheckpoint(by.tenant)) ?? (await this.reader.checkpointFor(by.tenant, 0))).note;
  }

  @Get('logs/:logId/entries/:position')
  @Can('read', 'LedgerEntry')
  @Audited('ledger.entry', 'exempt', SEALED)
  @Answers(200, Entry)
  async readEntry(
    @By() by: Caller,
    @Param('logId', { schema: logId }) id: string,
    @Param('position', { schema: count }) position: number,
  ): Promise<z.infer<typeof Entry>> {
    await this.ownLog(by, id);
    const entry = await this.reader.entry(by.tenant, position);
    if (!entry) throw notFound('entry');
    const { bytes, type, recordedAt } = entry;
    return {
      ...{ position, type, recordedAt: recordedAt.toISOString() },
      bytes: bytes.toString('base64'),
      leafHash: entry.leafHash.toString('base64'),
    };
  }

  @Get('logs/:logId/entries/:position/proof')
  @Can('read', 'Ledger')
  @Audited('ledger.proof', 'exempt', SEALED)
  @ApiProduces('text/plain')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Answers(200, Text)
  async readProof(
    @By() by: Caller,
    @Param('logId', { schema: logId }) id: string,
    @Param('position', { schema: count }) position: number,
  ): Promise<string> {
    const { size } = await this.ownLog(by, id);
    if (position >= size) throw notFound('entry');
    return this.reader.proof(by.tenant, position);
  }

  @Get('logs/:logId/consistency')
  @Can('read', 'Ledger')
  @Audited('ledger.consistency', 'exempt', SEALED)
  @Answers(200, Consistency)
  async readConsistency(
    @By() by: Caller,
    @Param('logId', { schema: logId }) id: string,
    @Query({ schema: Sizes }) { from, to }: z.infer<typeof Sizes>,
  ): Promise<z.infer<typeof Consistency>> {
    const { size } = await this.ownLog(by, id);
    if (from < 1 || from > to) {
      const detail =
        'Give sizes with 1 <= from <= to: nothing can be proved from the empty log (RFC 6962 section 2.1.2).';
      throw new DomainError(400, 'sizes-invalid', detail);
    }
    if (to > size) {
      const detail =
        'The log has fewer entries than this size. A checkpoint of that size would be proof of a rollback.';
      throw new DomainError(409, 'position-not-reached', { detail, retryable: true, retryAfter: 1, extra: { size } });
    }
    const hashes = await this.reader.consistency(by.tenant, from, to);
    return { from, to, hashes: hashes.map((hash) => hash.toString('base64')) };
  }

  @Get('logs/:logId/tile/entries/*')
  @Can('read', 'LedgerEntry')
  @Audited('ledger.entry-bundle', 'exempt', SEALED)
  @TilePath()
  @ApiProduces('application/octet-stream')
  @Header('content-type', 'application/octet-stream')
  @Answers(200, Bytes)
  async readEntryBundle(
    @By() by: Caller,
    @Param('logId', { schema: logId }) id: string,
    @Req() request: TileRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Buffer> {
    const { index, width } = this.tileName(`tile/entries/${request.params['*']}`, await this.ownLog(by, id));
    const entries = await this.reader.entries(by.tenant, index * TILE_WIDTH, width);
    // A bundle has no room for a hash beside the bytes: what no longer fits its leaf hash must not look like a good entry.
    if (entries.some((entry) => !leafHash(entry.bytes).equals(entry.leafHash))) {
      const detail = 'An entry of this bundle no longer has the hash it was sealed with. Read the entries one by one.';
      throw new DomainError(500, 'entry-damaged', detail);
    }
    keepForEver(reply);
    return formatEntryBundle(entries.map((entry) => entry.bytes));
  }

  @Get('logs/:logId/tile/:level/*')
  @Can('read', 'Ledger')
  @Audited('ledger.tile', 'exempt', SEALED)
  @TilePath()
  @ApiProduces('application/octet-stream')
  @Header('content-type', 'application/octet-stream')
  @Answers(200, Bytes)
  async readTile(
    @By() by: Caller,
    @Param('logId', { schema: logId }) id: string,
    @Param('level', { schema: z.string().max(10) }) levelText: string,
    @Req() request: TileRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<Buffer> {
    const { level, index, width } = this.tileName(
      `tile/${levelText}/${request.params['*']}`,
      await this.ownLog(by, id),
    );
    if (level === 'entries') throw notFound('tile');
    keepForEver(reply);
    return formatTile(await this.reader.tile(by.tenant, level, index, width));
  }

  /** The caller's own log, or 404: another tenant's is not there. */
  private async ownLog(by: Caller, id: string): Promise<LogIdentity> {
    const identity = await this.reader.identity(by.tenant);
    if (identity.logId !== id) throw notFound('log');
    return identity;
  }

  /** A tile that the log has in full width. */
  private tileName(path: string, { size }: LogIdentity): TileName {
    const tile = parseTilePath(path);
    if (!tile) throw notFound('tile');
    const span = tile.level === 'entries' ? 1 : TILE_WIDTH ** tile.level;
    if ((tile.index * TILE_WIDTH + tile.width) * span > size) throw notFound('tile');
    return tile;
  }
}

/** Tiles never change, partial ones neither: a wider one has another name. */
function keepForEver(reply: Reply): void {
  reply.header('cache-control', 'private, max-age=31536000, immutable');
}
