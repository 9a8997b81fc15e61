/** Simulation port: calls into the connected systems of a world, with every way in which a call can go wrong. */
import type { DataRecord, Fail, Horizon, Item, Json, Located, Outcome, Target, Verification } from '@lethe/plugin-sdk';
import type { TenantId } from '#kernel';
import type { TakenBack } from '#connectors';
import { SystemCalls } from '../../libs/requests/src/step/connected-systems.js';
import type { Machine } from './machine.js';
import { DAY, HOUR, type Effect, type VendorJob, type World, type WorldRow, type WorldSystem } from './world.js';

class CallFailed extends Error {
  constructor(readonly fail: Fail) {
    super(fail.code);
  }
}

const broken = (fail: Fail): CallFailed => new CallFailed(fail);

/** What stands between the engine and one call. */
interface Call {
  system: WorldSystem;
  target: Target;
  generation: number;
  /** As it was when the call was made: what arrives later was asked for then. */
  heldSince: number | undefined;
  position: number;
}

export class VendorCalls extends SystemCalls {
  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    private readonly during: Effect['during'],
  ) {
    super();
  }

  override async *locate(_: TenantId, id: string, items: Item[]): AsyncIterable<Located> {
    const system = await this.reach(id, 'locate');
    for (const item of items)
      for (const { dataset, ref, ids, startsOn, blockedBy, shared } of this.world.led(system.id, item.ids))
        yield {
          ...{ itemKey: item.itemKey, dataset, ref, count: 1, found: ids.map((one) => ({ ...one })) },
          ...(startsOn === undefined ? {} : { startsOn }),
          ...(blockedBy === undefined ? {} : { blockedBy }),
          ...(shared ? { sharedWith: 'others' as const } : {}),
        };
  }

  override async *read(_: TenantId, id: string, items: Item[], at: Located[]): AsyncIterable<DataRecord> {
    await this.reach(id, 'read');
    for (const { dataset, ref } of at) {
      const row = this.world.find(id, dataset, ref);
      if (row && !row.gone)
        yield {
          itemKey: items[0]?.itemKey ?? '',
          dataset,
          ref,
          fields: { person: row.person } satisfies DataRecord['fields'],
        };
    }
  }

  override async *apply(_: TenantId, id: string, __: unknown, items: Item[], at: Target[]): AsyncIterable<Outcome> {
    const system = await this.reach(id, 'apply');
    const { world } = this;
    const { chance } = world;
    const generation = items[0]?.generation ?? 0;
    const calls = at.map((target): Call => {
      const heldSince = world.holds.get(`${id}/${target.dataset}`)?.placedAt;
      return { system, target, generation, heldSince, position: this.machine.ledger.log.length };
    });
    if (world.now < system.refusesUntil) throw broken({ class: 'permanent', code: 'vendor-said-no' });
    if (world.stormy && chance.is(0.05)) {
      // The network holds the call back: its caller hears nothing, and it arrives when nobody expects it.
      world.late.push({ at: world.now + chance.below(3 * HOUR), run: () => calls.forEach((call) => this.one(call)) });
      throw broken({ class: 'transient', code: 'deadline-exceeded' });
    }
    const stops = world.stormy && chance.is(0.15) ? chance.below(at.length + 1) : undefined;
    const outcomes: Outcome[] = [];
    for (const [index, call] of calls.entries()) {
      if (index === stops) break;
      outcomes.push(this.one(call));
      // Twice on the wire.
      if (world.stormy && chance.is(0.05)) this.one(call);
    }
    const heard = stops === undefined ? outcomes : outcomes.slice(0, chance.below(outcomes.length + 1));
    for (const outcome of chance.is(0.3) ? heard.reverse() : heard) yield outcome;
    await this.machine.read('apply answer');
    if (stops !== undefined)
      throw broken(chance.is(0.3) ? limited(chance.below(20_000)) : { class: 'transient', code: 'answer-lost' });
  }

  override async *poll(_: TenantId, id: string, handle: Json, at: Target[]): AsyncIterable<Outcome> {
    const system = await this.reach(id, 'poll');
    if (!system.askable) throw broken({ class: 'permanent', code: 'operation-unsupported' });
    const job = system.jobs.get(String(handle));
    if (!job) throw broken({ class: 'permanent', code: 'operation-unsupported' });
    for (const target of at) yield this.pending(job, target);
  }

  /** Whole: what one call has asked is one task of a system that is asked. */
  override async withdraw(_: TenantId, id: string, itemKey: string, at: Target[]): Promise<TakenBack[]> {
    await this.machine.read('withdraw');
    const { kind, askable, jobs } = this.world.systems.get(id) ?? {};
    if (kind !== 'makes-jobs' || !askable || !jobs) return at.map(() => 'unknown');
    const own = [...jobs.values()].filter(({ key }) => key === itemKey);
    if (own.some(({ begunAt }) => this.world.now >= begunAt)) return at.map(() => 'taken-on');
    for (const { handle, order } of own) {
      jobs.delete(handle);
      if (order) this.world.effects.splice(this.world.effects.indexOf(order), 1);
    }
    // Nobody begins before its time. Of what it was never asked it says no more than that nothing goes on.
    return at.map(() => (own.length > 0 ? 'unasked' : 'withdrawn'));
  }

  override async *verify(_: TenantId, id: string, items: Item[], at: Target[]): AsyncIterable<Verification> {
    const system = await this.reach(id, 'verify');
    const kept = new Set(at.filter(({ action }) => action === 'retain' || action === 'strip').map(({ ref }) => ref));
    const itemKey = items[0]?.itemKey ?? '';
    system.verified.push({ position: this.machine.ledger.log.length, tick: this.world.tick() });
    for (const { name: dataset } of system.datasets) {
      const left = this.world
        .led(
          id,
          items.flatMap(({ ids }) => ids),
        )
        .filter((row) => row.dataset === dataset && row.blockedBy !== 'ambiguous-identifier' && !kept.has(row.ref));
      if (left.length === 0) yield { itemKey, dataset, kind: 'clean' };
      for (const { ref } of left) yield { itemKey, dataset, kind: 'residue', ref, by: 'identifier' };
    }
  }

  override async *horizon(_: TenantId, id: string): AsyncIterable<Horizon> {
    const system = await this.reach(id, 'horizon');
    for (const { name } of system.datasets) yield { dataset: name, layer: 'backup', until: '2027-01-01' };
  }

  /** The way there: time passes, and the system may not answer at all. */
  private async reach(id: string, operation: string): Promise<WorldSystem> {
    const parks = operation === 'apply' || operation === 'verify';
    await (parks ? this.machine.park(operation) : this.machine.read(operation));
    const { world } = this;
    const system = world.systems.get(id);
    if (!system) throw broken({ class: 'config', code: 'connection-disabled' });
    if (world.now < system.downUntil) throw broken({ class: 'transient', code: 'unreachable' });
    if (world.stormy && world.chance.is(0.04))
      throw broken(world.chance.is(0.3) ? limited(5000) : { class: 'transient', code: 'http-503' });
    return system;
  }

  /** What the vendor does with one record, and says of it. */
  private one(call: Call): Outcome {
    const { system, target } = call;
    const at = place(target);
    const row = this.world.find(system.id, target.dataset, target.ref);
    const byKey = system.kind === 'remembers-keys';
    if (byKey && system.remembered.has(nameOf(target))) return saidOf(target);
    if (!row || row.deleted || (row.gone && !byKey)) return { ...at, count: 0, kind: 'not-found' };
    if (target.action === 'retain') return { ...at, count: 1, kind: 'retained', ruleId: target.ruleId ?? '' };
    if (system.liesOnce && this.world.stormy && target.action !== 'strip') {
      system.liesOnce = false;
      return { ...at, count: 1, kind: 'erased' };
    }
    if (system.kind === 'makes-jobs' && target.action !== 'strip') return this.pending(this.jobFor(call), target);
    this.change(call, row);
    return saidOf(target);
  }

  /** A job per new key; a repeated one joins what is under way. */
  private jobFor(call: Call): VendorJob {
    const { world } = this;
    const { system, target } = call;
    const name = nameOf(target);
    const known = system.jobs.get(name);
    if (known) return known;
    const doneAt = world.now + world.chance.below(world.stormy ? 2 * DAY : HOUR);
    const mustFinishBy = new Date(doneAt + 5 * DAY).toISOString();
    const begunAt = (world.now + doneAt) / 2;
    const times = { begunAt, doneAt, mustFinishBy };
    const job: VendorJob = { handle: name, key: target.itemKey, refs: new Set([target.ref]), ...times };
    system.jobs.set(name, job);
    const ordered = world.find(system.id, target.dataset, target.ref);
    if (ordered) job.order = this.note(ordered, 'order', call);
    world.late.push({
      at: doneAt,
      run: () => {
        const row = world.find(system.id, target.dataset, target.ref);
        if (row && !row.gone && system.jobs.get(name) === job) this.change(call, row);
      },
    });
    return job;
  }

  private pending(job: VendorJob, target: Target): Outcome {
    const { world } = this;
    if (world.now >= job.doneAt) return saidOf(target);
    const pollAfterMs = Math.max(1000, Math.min(6 * HOUR, job.doneAt - world.now));
    return {
      ...place(target),
      count: 1,
      kind: 'pending',
      handle: job.handle,
      pollAfterMs,
      mustFinishBy: job.mustFinishBy,
    };
  }

  /** The trigger: every change of a row that really happens. */
  private change(call: Call, row: WorldRow): void {
    const { system, target } = call;
    // A vendor that goes by keys does under a new key whatever it is told, also to a row that it has changed already.
    if (system.kind === 'remembers-keys') system.remembered.add(nameOf(target));
    else if (target.action === 'strip' && row.stripped) return;
    this.note(row, target.action, call);
    if (target.action === 'strip') row.stripped = true;
    else row.gone = true;
    if (target.action === 'erase') row.deleted = true;
  }

  private note(row: WorldRow, action: Effect['action'], { generation, heldSince, position }: Call): Effect {
    const { world, during } = this;
    const arrived = this.machine.ledger.log.length;
    const effect = { row, action, during, generation, position, arrived, at: world.now, heldSince };
    world.effects.push(effect);
    return effect;
  }
}

const limited = (retryAfterMs: number): Fail => ({ class: 'rate-limit', code: 'http-429', retryAfterMs });
const nameOf = ({ itemKey, dataset, ref }: Target): string => `${itemKey}/${dataset}/${ref}`;
const place = ({ itemKey, dataset, ref }: Target) => ({ itemKey, dataset, ref });

function saidOf(target: Target): Outcome {
  const at = place(target);
  switch (target.action) {
    case 'retain':
    case 'strip':
      return { ...at, count: 1, kind: 'retained', ruleId: target.ruleId ?? '' };
    case 'erase':
      return { ...at, count: 1, kind: 'erased' };
    case 'anonymise':
      return { ...at, count: 1, kind: 'anonymised' };
    case 'detach':
      return { ...at, count: 1, kind: 'detached' };
  }
}
