/** Hands an access package to the officer who passes it on: every download is recorded before its first byte. */
import { Readable } from 'node:stream';
import { Controller, Get, Header, Inject, Param, StreamableFile } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import type { Clock } from '#kernel';
import { Answers, Audited, By, Caller, Can, CLOCK } from '#platform';
import { ownerOf } from './package-builder.js';
import { packageFact, zipName, zipPlace } from './package-expiry.js';
import { PackageFolder } from './package-folder.js';
import { packageExpired, packageMissing } from './package.errors.js';
import { readSealed } from './package-seal.js';
import { Requests } from '../requests.js';

const ZipFile = z.string().meta({ id: 'AccessPackage', description: 'A zip file', format: 'binary' });

@Controller('v1/requests/:id/package')
export class PackageController {
  constructor(
    private readonly requests: Requests,
    private readonly folder: PackageFolder,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** 410 `package-expired` afterwards. */
  @Get()
  @Can('read', 'Package')
  @Audited('request.package', 'read')
  @Answers(200, ZipFile)
  @ApiProduces('application/zip')
  @Header('cache-control', 'no-store')
  async getPackage(@By() by: Caller, @Param('id', { schema: z.uuid() }) id: string): Promise<StreamableFile> {
    const state = await this.requests.load(by.tenant, id);
    if (!state.package) throw packageMissing(state);
    const { packageId, expiresAt } = state.package;
    const owner = ownerOf(by.tenant, state);
    const there = await this.folder.has(owner, zipName(packageId));
    if (!there || this.clock.now() >= new Date(expiresAt)) throw packageExpired();
    const key = await this.folder.key(owner);
    by.saw(state.subjectId, 'package');
    await this.requests.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [packageFact('PackageDownloaded.v1', { requestId: id, packageId })],
    });
    const bytes = readSealed(this.folder.path(owner, zipName(packageId)), key, zipPlace(packageId));
    return new StreamableFile(Readable.from(bytes, { objectMode: false }), {
      type: 'application/zip',
      disposition: `attachment; filename="request-${id}.zip"`,
    });
  }
}
