/** Systems that pull their work, behind the calls that a plugin would answer: what is asked becomes a task and is waited for. */
import { Inject, Injectable } from '@nestjs/common';
import {
  AnswerLater,
  DECLARED_REF,
  PluginFailure,
  type Check,
  type ConnectionDriver,
  type ConnectionRow,
  type DataRecord,
  type Dataset,
  type Horizon,
  type Item,
  type Located,
  type Obeyed,
  type Op,
  type Outcome,
  type PersonToObey,
  type SystemCallOptions,
  type TakenBack,
  type Target,
  type Verification,
} from '#connectors';
import type { Clock, Json, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { askedOf, lookOf } from './asked-of.js';
import { configHash, configOf, datasetsOf } from './system/declared-system.js';
import { KeyBinding } from './system/key-binding.js';
import { OpenTasks } from './open-task.js';
import { outcomeFor, type TaskOutcome } from './task-outcome.js';
import { TaskRecords } from './task-records.js';
import { looksAt, toldBefore } from './told-before.js';
import { standingOf, staysAway, verificationsOf, type Answered } from './task-standing.js';
import { isOverdue, lookAgainMs, type Asked, type TaskKind, type TaskRow } from './task.js';
import { Tasks } from './tasks.js';

const DAY = 86_400_000;
/** What an `obey` speaks of instead of a dataset. */
const CONSENT = 'consent';

@Injectable()
export class InboxDriver implements ConnectionDriver {
  readonly isolation: string = 'self-reported';
  readonly contentHash = configHash;

  constructor(
    protected readonly tasks: Tasks,
    protected readonly opened: OpenTasks,
    private readonly records: TaskRecords,
    private readonly keys: KeyBinding,
    @Inject(CLOCK) protected readonly clock: Clock,
  ) {}

  isSearched(): boolean {
    return false;
  }

  datasets(row: ConnectionRow): Dataset[] {
    return datasetsOf(configOf(row));
  }

  async check(tenant: TenantId, row: ConnectionRow): Promise<Check> {
    const { keyId = '' } = configOf(row);
    const { usable, lastUsedAt } = await this.keys.find(tenant, keyId);
    if (!usable)
      return {
        ok: false,
        error: { class: 'auth', code: 'key-unusable' },
        message: 'its key was revoked or has expired',
      };
    return { ok: true, account: `key ${keyId}`, warnings: lastUsedAt === null ? ['its key was never used'] : [] };
  }

  /** Nobody can search it: everything it declares is planned, uncounted. */
  async *locate(_tenant: TenantId, row: ConnectionRow, items: Item[]): AsyncGenerator<Located> {
    for (const { itemKey } of items)
      for (const { name, shared } of configOf(row).datasets)
        yield {
          itemKey,
          dataset: name,
          ref: DECLARED_REF,
          count: 0,
          ...(shared ? { sharedWith: 'unknown' as const } : {}),
        };
  }

  async *read(
    tenant: TenantId,
    row: ConnectionRow,
    items: Item[],
    at: Located[],
    options: SystemCallOptions = {},
  ): AsyncGenerator<DataRecord> {
    for (const item of items) {
      const own = at.filter((one) => one.itemKey === item.itemKey);
      if (own.length === 0) continue;
      const asked = askedOf(
        item,
        own.map((one) => ({ ...one, action: 'read' as const })),
      );
      const { task, outcomes } = await this.settled(tenant, row, 'read', item.itemKey, asked, options);
      for (const { name } of asked.datasets) {
        const said = outcomeFor(outcomes, { dataset: name });
        if (said?.kind !== 'provided' && said?.kind !== 'not-found')
          throw failure(row, said?.kind === 'failed' ? said.code : 'no-outcome');
      }
      for await (const { dataset, ref, fields } of this.records.records(tenant, task))
        yield { itemKey: item.itemKey, dataset, ref, fields };
    }
  }

  async *apply(
    tenant: TenantId,
    row: ConnectionRow,
    { items, at }: { op: Op; items: Item[]; at: Target[] },
    options: SystemCallOptions = {},
  ): AsyncGenerator<Outcome> {
    for (const item of items) {
      const own = at.filter((one) => one.itemKey === item.itemKey);
      if (own.length === 0) continue;
      const { itemKey } = item;
      const { about } = options;
      const { told, rest, handed } = await toldBefore(this.tasks, tenant, row.id, { itemKey, at: own });
      for (const look of looksAt(item, told, about)) await this.opened.ensure(tenant, row, look);
      const people = about?.people ? { people: about.people } : {};
      const asked: Asked = { ...askedOf(item, rest), ...people, ...(handed ? { anew: true } : {}) };
      if (rest.length > 0) await this.opened.ensure(tenant, row, { kind: 'apply', itemKey, asked, about });
      yield* await this.standing(tenant, row, itemKey, own, options);
    }
  }

  async *poll(
    tenant: TenantId,
    row: ConnectionRow,
    _handle: Json,
    at: Target[],
    options: SystemCallOptions = {},
  ): AsyncGenerator<Outcome> {
    for (const itemKey of new Set(at.map((one) => one.itemKey))) {
      const own = at.filter((one) => one.itemKey === itemKey);
      const { told } = await toldBefore(this.tasks, tenant, row.id, { itemKey, at: own });
      // Taken back for a hold: what the hold does not keep is asked anew, and what was told is looked at.
      if (told.length > 0 || !(await this.tasks.ofItem(tenant, row.id, 'apply', itemKey)))
        throw failure(row, 'operation-unsupported');
      yield* await this.standing(tenant, row, itemKey, own, options);
    }
  }

  async withdraw(tenant: TenantId, row: ConnectionRow, itemKey: string, at: Target[]): Promise<TakenBack[]> {
    const task = await this.tasks.ofItem(tenant, row.id, 'apply', itemKey);
    if (task && !(await this.opened.withdraw(tenant, task))) return at.map(() => 'taken-on');
    const { rest, handed } = await toldBefore(this.tasks, tenant, row.id, { itemKey, at });
    const free = handed ? 'withdrawn' : 'unasked';
    return at.map((target) => (rest.includes(target) ? free : 'taken-on'));
  }

  async *verify(
    tenant: TenantId,
    row: ConnectionRow,
    items: Item[],
    at: Target[],
    options: SystemCallOptions = {},
  ): AsyncGenerator<Verification> {
    const declared = configOf(row).datasets.map((one) => one.name);
    for (const item of items) {
      const own = at.filter((one) => one.itemKey === item.itemKey);
      // What was planned by an earlier declaration is looked at too, when its duty has ended.
      const datasets = [...new Set([...declared, ...own.map((one) => one.dataset)])];
      const before = await this.tasks.takenBack(tenant, row.id, item.itemKey);
      const looks = [item.itemKey, ...before.map(({ item_key: key }) => key)];
      const looked = await Promise.all(looks.map((key) => this.answered(tenant, row, 'verify', key)));
      const seen = looked.flatMap((one) => one?.outcomes ?? []);
      // What an earlier attempt did has been looked at then, and not since: it is looked at again.
      const unseen = own.filter((target) => staysAway(target) && !outcomeFor(seen, target));
      const again = await this.lookAgain(tenant, row, item, unseen, options);
      yield* verificationsOf([...seen, ...again], own, item.itemKey, datasets);
    }
  }

  private async lookAgain(
    tenant: TenantId,
    row: ConnectionRow,
    item: Item,
    unseen: Target[],
    options: SystemCallOptions,
  ): Promise<TaskOutcome[]> {
    if (unseen.length === 0) return [];
    const itemKey = `${item.itemKey}:again`;
    return (await this.settled(tenant, row, 'verify', itemKey, lookOf(item, unseen), options)).outcomes;
  }

  async obey(
    tenant: TenantId,
    row: ConnectionRow,
    people: PersonToObey[],
    options: SystemCallOptions = {},
  ): Promise<Obeyed[]> {
    const answers: Obeyed[] = [];
    for (const { itemKey, ids, decisions } of people) {
      const identifiers = ids.map(({ type, value }) => ({ type, value, strength: 'claimed' as const }));
      const asked: Asked = { identifiers, datasets: [{ name: CONSENT, action: 'obey' }], decisions };
      const { outcomes } = await this.settled(tenant, row, 'obey', itemKey, asked, options);
      const said = outcomeFor(outcomes, { dataset: CONSENT });
      if (said?.kind !== 'obeyed' && said?.kind !== 'not-found')
        throw failure(row, said?.kind === 'failed' ? said.code : 'no-outcome');
      answers.push({ itemKey, kind: said.kind });
    }
    return answers;
  }

  *horizon(row: ConnectionRow): Generator<Horizon> {
    for (const { name: dataset, backupDays } of configOf(row).datasets) {
      const end = backupDays === undefined ? undefined : new Date(this.clock.now().getTime() + backupDays * DAY);
      yield { dataset, layer: 'backup', until: end?.toISOString().slice(0, 10) ?? null, note: 'declared' };
    }
  }

  /** Called whenever somebody waits for a task: a pushed system is called here. Nothing to do for one that pulls. */
  protected async advance(
    _tenant: TenantId,
    _row: ConnectionRow,
    _task: TaskRow,
    _options: SystemCallOptions,
  ): Promise<void> {
    return undefined;
  }

  private async standing(
    tenant: TenantId,
    row: ConnectionRow,
    itemKey: string,
    at: Target[],
    options: SystemCallOptions,
  ): Promise<Outcome[]> {
    const { told, rest } = await toldBefore(this.tasks, tenant, row.id, { itemKey, at });
    const stand: Outcome[] = [];
    for (const one of told) {
      const verify = await this.moved(tenant, row, 'verify', one.task.item_key, options);
      stand.push(...standingOf(one, verify, one.at, this.clock.now()));
    }
    if (rest.length === 0) return stand;
    const apply = await this.moved(tenant, row, 'apply', itemKey, options);
    // Taken back for a hold since it was asked: whoever asks looks at once what is kept.
    if (!apply) throw new AnswerLater(this.clock.now());
    const verify = apply.task.state === 'done' ? await this.moved(tenant, row, 'verify', itemKey, options) : undefined;
    return [...stand, ...standingOf(apply, verify, rest, this.clock.now())];
  }

  /** The task of this effect with what was said of it; `AnswerLater` while nobody has answered. */
  protected async settled(
    tenant: TenantId,
    row: ConnectionRow,
    kind: TaskKind,
    itemKey: string,
    asked: Asked,
    options: SystemCallOptions,
  ): Promise<Answered> {
    await this.opened.ensure(tenant, row, { kind, itemKey, asked, about: options.about });
    const answered = await this.moved(tenant, row, kind, itemKey, options);
    if (!answered) throw failure(row, 'task-unknown');
    const { task } = answered;
    if (task.state === 'ended') throw failure(row, task.why ?? 'task-overdue');
    const now = this.clock.now();
    if (task.state !== 'done') throw new AnswerLater(new Date(now.getTime() + lookAgainMs(task, now)));
    return answered;
  }

  /** As it stands after it was moved on: pushed when it can be, ended when it is overdue. */
  private async moved(
    tenant: TenantId,
    row: ConnectionRow,
    kind: TaskKind,
    itemKey: string,
    options: SystemCallOptions,
  ): Promise<Answered | undefined> {
    const task = await this.tasks.ofItem(tenant, row.id, kind, itemKey);
    if (!task || task.state === 'done' || task.state === 'ended')
      return this.answered(tenant, row, kind, itemKey, task);
    if (isOverdue(task, this.clock.now())) await this.opened.end(tenant, task, 'task-overdue');
    else await this.advance(tenant, row, task, options);
    return this.answered(tenant, row, kind, itemKey);
  }

  private async answered(
    tenant: TenantId,
    row: ConnectionRow,
    kind: TaskKind,
    itemKey: string,
    known?: TaskRow,
  ): Promise<Answered | undefined> {
    const task = known ?? (await this.tasks.ofItem(tenant, row.id, kind, itemKey));
    return task && { task, outcomes: await this.tasks.outcomes(tenant, task) };
  }
}

/** A failure that an officer sees with its code. */
export function failure(row: ConnectionRow, code: string): PluginFailure {
  return new PluginFailure({ class: 'permanent', code }, 'did not do what was asked', row.kind);
}
