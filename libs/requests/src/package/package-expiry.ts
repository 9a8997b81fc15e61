/** Packages are deleted when they expire; the manifest, and that it was deleted, stay. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import { done, enqueueIn, JobWorker, later, type Job, type JobContext, type JobResult } from '#jobs';
import { Database, declareEvents, type NewEvent } from '#ledger';
import { CLOCK, CONFIG, type Config } from '#platform';
import { PackageFolder, PARTS, type PackageOwner } from './package-folder.js';

declareEvents('PackageDownloaded.v1', 'PackageExpired.v1');

/** Days a package can be collected. */
export const PACKAGE_DAYS = 7;
const QUEUE = 'package-expiry';
/** Until the next look when the files cannot be reached: they must not stay because a disk was away for too long. */
const AGAIN_MS = 3_600_000;
/** `stepIds`: whose parts it was made of; a job of before has none, and removes all. */
const payload = z.strictObject({
  requestId: z.uuid(),
  packageId: z.uuid(),
  expiresAt: z.iso.datetime(),
  stepIds: z.array(z.uuid()).optional(),
});
type Payload = z.infer<typeof payload>;

/** Not the request's stream: a download must not get in the way of a decision there. */
export const packageStream = (packageId: string): string => `package/${packageId}`;
/** Name of the sealed zip in the folder of its request. */
export const zipName = (packageId: string): string => `${packageId}.zip.sealed`;
/** Name of its manifest, written last and kept. */
export const manifestName = (packageId: string): string => `${packageId}.manifest.sealed`;
export const zipPlace = (packageId: string): string => `package/zip/${packageId}`;

export function packageFact(
  type: 'PackageDownloaded.v1' | 'PackageExpired.v1',
  { requestId, packageId }: Pick<Payload, 'requestId' | 'packageId'>,
): NewEvent {
  return { stream: packageStream(packageId), type, data: { requestId, packageId } };
}

@Injectable()
export class PackageExpiry implements OnModuleInit {
  constructor(
    private readonly folder: PackageFolder,
    private readonly database: Database,
    private readonly jobs: JobWorker,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    this.jobs.handle(QUEUE, { payload }, (job, context) => this.run(job, context));
  }

  /** Enqueues the deletion, before anybody can collect the package; returns when it expires. */
  async schedule(tenant: TenantId, requestId: string, packageId: string, stepIds: string[]): Promise<string> {
    const now = this.clock.now();
    const runAt = new Date(now.getTime() + PACKAGE_DAYS * 86_400_000);
    const expiresAt = runAt.toISOString();
    const job = {
      queue: QUEUE,
      payload: { requestId, packageId, expiresAt, stepIds },
      runAt,
      dedupeKey: `package/${packageId}/expiry`,
    };
    await this.database.transaction(tenant, (query) => enqueueIn(query, tenant, [job], now));
    return expiresAt;
  }

  private async run({ tenant, payload: about }: Job<Payload>, context: JobContext): Promise<JobResult> {
    const due = new Date(about.expiresAt);
    if (this.clock.now() < due) return later(due);
    const removed = await this.remove({ tenant, requestId: about.requestId }, about).catch(() => 'away');
    if (removed === 'away') return later(new Date(this.clock.now().getTime() + AGAIN_MS));
    if (removed === 'unfinished') return done();
    return context.finish({ actorRef: 'system:requests', events: [packageFact('PackageExpired.v1', about)] });
  }

  private async remove(
    owner: Pick<PackageOwner, 'tenant' | 'requestId'>,
    { packageId, stepIds }: Payload,
  ): Promise<'removed' | 'unfinished' | 'away'> {
    if (!(await this.folder.isThere(owner))) return 'away';
    await this.folder.remove(owner, zipName(packageId));
    // A reopened request may be collecting anew in the same folder.
    await (stepIds ? this.folder.removeParts(owner, stepIds) : this.folder.remove(owner, PARTS));
    // Judged by what stays: an earlier attempt may have removed the file and not have said so.
    return (await this.folder.has(owner, manifestName(packageId))) ? 'removed' : 'unfinished';
  }
}
