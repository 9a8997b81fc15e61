/** Pushes a task to its system's endpoint, takes the answer in, and asks again about work that was taken on. */
import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { PluginFailure, type ConnectionRow } from '#connectors';
import { DomainError, newId, type Clock, type Json, type TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { ClaimTask } from '../claim-task.js';
import type { RemoteAnswer } from './remote-call.js';
import { RemoteSender } from './remote-sender.js';
import type { ClaimedTask } from '../task-bodies.js';
import { handlePlace, MAX_LEASE_S, MAX_PART_BYTES, type TaskRow } from '../task.js';
import { changeHeld, Tasks } from '../tasks.js';
import { WorkTask } from '../work-task.js';

const ACTOR = 'system:inbox';
/** Longer than a call may take; a killed process's task is pushed again after it. */
const LEASE_S = 60;

/** The word for work taken on, and when to ask again at the earliest. */
type Handle = { handle: Json; notBefore: string };

@Injectable()
export class PushTask {
  constructor(
    private readonly tasks: Tasks,
    private readonly claims: ClaimTask,
    private readonly work: WorkTask,
    private readonly sender: RemoteSender,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Moves a task on as far as one call can. Errors: a failure named after what went wrong; the task is given back. */
  async push(tenant: TenantId, row: ConnectionRow, task: TaskRow, signal?: AbortSignal): Promise<void> {
    if (task.state === 'claimed' && task.handle !== null) return this.ask(tenant, row, task, task.handle, signal);
    const claimed = await this.take(tenant, task);
    if (!claimed) return;
    const { fence } = claimed;
    await this.sender.record(tenant, row, task.subject);
    const message = { id: `${task.id}_${fence}`, at: this.clock.now(), body: claimed };
    try {
      await this.takeIn(tenant, task, fence, await this.sender.send(tenant, row, message, signal));
    } catch (error) {
      const given = { fence, reason: 'push-failed', retryAfterSeconds: 0 };
      await this.work.release(tenant, { actorRef: ACTOR }, task, given).catch(() => undefined);
      throw contractFailure(error);
    }
  }

  /** Nobody claims what is pushed, but for the process of a replica that is doing it now. */
  private async take(tenant: TenantId, task: TaskRow): Promise<ClaimedTask | undefined> {
    try {
      return await this.claims.take(tenant, task, { actorRef: ACTOR, how: 'pushed', leaseSeconds: LEASE_S });
    } catch (error) {
      if (error instanceof DomainError && error.code === 'task-taken') return undefined;
      throw error;
    }
  }

  /** The same body with the handle: identifiers too, since the system may have forgotten whom it was about. */
  private async ask(
    tenant: TenantId,
    row: ConnectionRow,
    task: TaskRow,
    sealed: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const kept = await this.tasks.open<Handle>(tenant, sealed, handlePlace(task.id));
    const asked = await this.tasks.asked(tenant, task);
    const now = this.clock.now();
    if (!kept || !asked || Date.parse(kept.notBefore) > now.getTime()) return;
    await this.sender.record(tenant, row, task.subject);
    const body = { ...(await this.claims.view(tenant, task, asked)), handle: kept.handle };
    const answer = await this.sender.send(tenant, row, { id: newId(), at: now, body }, signal);
    await this.takeIn(tenant, task, task.fence, answer).catch((error: unknown) => {
      throw contractFailure(error);
    });
  }

  /** A system that has answered under its own key before its reply was here has said it: the reply is not needed then. */
  private async takeIn(tenant: TenantId, task: TaskRow, fence: number, answer: RemoteAnswer): Promise<void> {
    try {
      if (answer.kind === 'taken-on') await this.keep(tenant, task, fence, answer);
      else await this.finish(tenant, task, fence, answer);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'lease-lost')) throw error;
    }
  }

  private async finish(
    tenant: TenantId,
    task: TaskRow,
    fence: number,
    { records, outcomes }: Extract<RemoteAnswer, { kind: 'done' }>,
  ): Promise<void> {
    const held = (await this.tasks.find(tenant, task.id)) ?? task;
    let part = 0;
    // An answer is the whole: what an earlier one handed in before it was lost goes.
    const texts = records.length === 0 && held.parts > 0 ? [''] : textParts(records);
    for (const content of texts) {
      const one = { fence, part, sha256: sha256Of(content), content, restart: part === 0 };
      await this.work.takeRecords(tenant, held, one);
      part += 1;
    }
    const now = (await this.tasks.find(tenant, task.id)) ?? held;
    await this.work.complete(tenant, { actorRef: ACTOR }, now, { fence, outcomes });
  }

  private async keep(
    tenant: TenantId,
    task: TaskRow,
    fence: number,
    { handle, pollAfterSeconds }: Extract<RemoteAnswer, { kind: 'taken-on' }>,
  ): Promise<void> {
    const notBefore = new Date(this.clock.now().getTime() + pollAfterSeconds * 1000).toISOString();
    const sealed = await this.tasks.seal(tenant, task, { handle, notBefore }, handlePlace(task.id));
    await this.tasks.transaction(tenant, (query) =>
      changeHeld(query, tenant, { id: task.id, fence }, { handle: sealed, leaseSeconds: MAX_LEASE_S }),
    );
  }
}

/** An answer outside the contract is the system's bug: it is not asked the same again. */
function contractFailure(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.status >= 500) return error;
  return new PluginFailure({ class: 'bug', code: error.code }, 'answered outside the contract', 'remote');
}

const sha256Of = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** The records as parts of one text of JSON lines, cut at line ends. */
function* textParts(records: Extract<RemoteAnswer, { kind: 'done' }>['records']): Generator<string> {
  let part = '';
  for (const record of records) {
    const line = `${JSON.stringify(record)}\n`;
    if (part !== '' && Buffer.byteLength(part) + Buffer.byteLength(line) > MAX_PART_BYTES) {
      yield part;
      part = '';
    }
    part += line;
  }
  if (part !== '') yield part;
}
