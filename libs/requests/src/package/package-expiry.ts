/** Packages are deleted when they expire; the manifest, and that it was deleted, stay. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import { done, enqueueIn, later, type Job, type JobContext, type JobResult } from '#jobs';
import { declareEvents, type NewEvent } from '#ledger';
import { CLOCK, LOGGER, type Logger } from '#platform';
import { hasPackage, type RequestState } from '../request-state.js';
import { Requests } from '../requests.js';
import { PackageFolder } from './package-folder.js';
import { draftOf } from './package-seal.js';

declareEvents('PackageDownloaded.v1', 'PackageExpired.v1');

/** Days a package can be collected. */
export const PACKAGE_DAYS = 7;
export const PACKAGE_EXPIRY = 'package-expiry';
/** Until the next look when the files cannot be reached: they must not stay because a disk was away for too long. */
const AGAIN_MS = 3_600_000;
/** Written without `stepIds`, which builds of before refuse and one of them wrote; what to remove the request knows best. */
export const packageExpiryPayload = z.strictObject({
  requestId: z.uuid(),
  packageId: z.uuid(),
  expiresAt: z.iso.datetime(),
  stepIds: z.array(z.uuid()).optional(),
});
type Payload = z.infer<typeof packageExpiryPayload>;

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
export class PackageExpiry {
  constructor(
    private readonly folder: PackageFolder,
    private readonly requests: Requests,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Enqueues the deletion, before anybody can collect the package; returns when it expires. */
  async schedule(tenant: TenantId, requestId: string, packageId: string): Promise<string> {
    const now = this.clock.now();
    const runAt = new Date(now.getTime() + PACKAGE_DAYS * 86_400_000);
    const expiresAt = runAt.toISOString();
    const job = {
      queue: PACKAGE_EXPIRY,
      payload: { requestId, packageId, expiresAt },
      runAt,
      dedupeKey: `package/${packageId}/expiry`,
    };
    await this.requests.store.database.transaction(tenant, (query) => enqueueIn(query, tenant, [job], now));
    return expiresAt;
  }

  async run({ id, tenant, payload: about }: Job<Payload>, context: JobContext): Promise<JobResult> {
    const due = new Date(about.expiresAt);
    if (this.clock.now() < due) return later(due);
    const removed = await this.remove(tenant, about).catch((error: NodeJS.ErrnoException) => error.code ?? error.name);
    if (removed === 'nothing') return done();
    if (removed === 'removed')
      return context.finish({ actorRef: 'system:requests', events: [packageFact('PackageExpired.v1', about)] });
    this.log.warn({ tenant, job: id, code: removed }, 'a package that expired could not be deleted');
    return later(new Date(this.clock.now().getTime() + AGAIN_MS));
  }

  /** A code when it cannot be told or done now. */
  private async remove(tenant: TenantId, { requestId, packageId }: Payload): Promise<'removed' | 'nothing' | 'away'> {
    const owner = { tenant, requestId };
    const state = await this.requests.load(tenant, requestId);
    // With the case file went the folder.
    if (!(await this.folder.isThere(owner))) return state.fileEnded ? 'nothing' : 'away';
    for (const name of [zipName(packageId), ...[zipName(packageId), manifestName(packageId)].map(draftOf)])
      await this.folder.remove(owner, name);
    // Judged by what stays: an earlier attempt may have removed the file and not have said so. Without a manifest it was
    // never finished, and its request has still to make one of the same parts.
    if (!(await this.folder.has(owner, manifestName(packageId)))) return 'nothing';
    await this.folder.removeParts(owner, spentSteps(state));
    return 'removed';
  }
}

/** Whose parts no package is made of any more; what this round has read is its own until it has one. */
function spentSteps(state: RequestState): string[] {
  return [...state.formerSteps, ...(hasPackage(state) ? state.steps : [])].map(({ stepId }) => stepId);
}
