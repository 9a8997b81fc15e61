/** One seed: requests, officers, vendors and processes that die, in an order that chance picks; then calm, then the account. */
import { FenceLost } from '../../libs/jobs/src/change-job.js';
import { foldRequest } from '../../libs/requests/src/request-evolve.js';
import type { RequestState } from '../../libs/requests/src/request-state.js';
import { Chance } from './chance.js';
import { describe } from './describe.js';
import { holdOrRelease, strike } from './fate.js';
import { claim, startEngine, type Engine } from './engine.js';
import { Machine, type Weather } from './machine.js';
import { MemoryLedger } from './memory-ledger.js';
import { Vault } from './neighbours.js';
import { complain, helpful, isExpected, open, openAgain, rash, type Act } from './officer.js';
import type { Plant } from './plants.js';
import { DAY, World } from './world.js';

const MACHINES = 2;
/** Listened to by the engine's own processes. */
const HEARD = ['JobDied.v1', 'HoldReleased.v1'];

export class Simulation {
  readonly chance: Chance;
  readonly world: World;
  readonly ledger: MemoryLedger;
  readonly vault = new Vault();
  readonly weather: Weather = { readParks: 0.05, storeFails: 0.01 };
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  private readonly engines: Engine[] = [];
  private readonly delivering = new Map<string, Machine>();
  readonly persons = ['ada', 'bob'];
  private readonly folded = new Map<string, RequestState>();
  private acts = 0;
  /** Whatever begins or ends may free what a claim could not have. */
  private changes = 0;
  private fruitlessAt = -1;

  constructor(
    readonly seed: number,
    private readonly plant?: Plant,
  ) {
    this.chance = new Chance(seed * 7919 + 13);
    this.persons.length = this.chance.is(0.4) ? 2 : 1;
    this.world = World.made(this.chance, this.persons);
    if (seed % 7 <= 2) this.world.withTwins(this.persons);
    this.ledger = new MemoryLedger(() => this.world.now, plant !== 'no-fence');
    for (let n = 0; n < MACHINES; n++) this.engines.push(this.boot(n));
  }

  private boot(n: number): Engine {
    const clock = { now: () => new Date(this.world.now) };
    const machine = new Machine(`p${n}`, this.ledger, clock, this.chance, this.weather);
    return startEngine(machine, this.world, this.vault, this.plant);
  }

  /** Requests that were received, by id; read past the engine. */
  get requests(): RequestState[] {
    const states: RequestState[] = [];
    for (const [stream, events] of this.ledger.streams) {
      if (!stream.startsWith('request/')) continue;
      const known = this.folded.get(stream);
      const state = known?.version === events.length ? known : foldRequest(events);
      if (!state) continue;
      this.folded.set(stream, state);
      states.push(state);
    }
    return states;
  }

  personOf({ subjectId }: RequestState): string {
    return this.vault.owners.get(subjectId) ?? this.persons[0]!;
  }

  /** The storm. */
  async storm(steps: number): Promise<void> {
    this.openSome();
    for (let step = 0; step < steps; step++) {
      await this.turn();
      this.any();
    }
  }

  private openSome(): void {
    for (const person of this.persons) {
      this.begin(this.engines[0]!, open(this.chance.is(0.8) ? 'erasure' : 'access', person, `open ${person}`));
      if (this.chance.is(0.15)) this.begin(this.engines[1]!, open('erasure', person, `again ${person}`));
      if (this.world.twins && this.chance.is(0.6)) this.again(person);
    }
    if (this.chance.is(0.1)) this.begin(this.engines[1]!, open('objection', this.persons[0]!, 'object'));
  }

  private again(person: string): void {
    this.begin(this.chance.of(this.engines), openAgain(person, `twin ${this.acts}`, this.chance));
  }

  /** Everything that can run without the scheduler has run. */
  private turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  private any(): void {
    const { chance } = this;
    const choice = chance.next();
    if (choice < 0.66) {
      if (!this.resume()) this.idle();
    } else if (choice < 0.76) this.claim(chance.of(this.engines));
    else if (choice < 0.82) this.deliver(chance.of(this.engines));
    else if (choice < 0.9) this.office();
    else if (choice < 0.955) this.passTime(chance.is(0.25) ? chance.below(15_000) : chance.below(800));
    else if (choice < 0.97) this.kill(chance.below(MACHINES));
    else this.note(strike(this));
  }

  /** Lets one waiting continuation go on. */
  private resume(fair = false): boolean {
    const waiting = this.engines.filter(({ machine }) => machine.parked.length > 0);
    if (waiting.length === 0) return false;
    const { parked, name } = (fair ? waiting[0]! : this.chance.of(waiting)).machine;
    const [one] = parked.splice(fair ? 0 : this.chance.below(parked.length), 1);
    this.note(`${name} ${one!.label}`);
    one!.resume();
    return true;
  }

  /** Nobody is at work: the next thing that is due, or the officer. */
  private idle(): void {
    const next = this.nextAt();
    // Nobody leaves a request lying for years: what is kept that long has its time after the storm.
    if (next === undefined || next - this.world.now > 40 * DAY || this.chance.is(0.4)) return this.office();
    if (next > this.world.now) this.passTime(next - this.world.now + 1);
    else this.claim(this.chance.of(this.engines));
  }

  private nextAt(from = 0): number | undefined {
    const times = [this.ledger.jobs.nextAt(from), this.world.nextAt].filter((one) => one !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  private passTime(ms: number): void {
    this.note(`time +${ms}`);
    this.world.now += ms;
    this.world.pass();
    // A process that is frozen for a while renews nothing, and does not know that it is late.
    for (const { machine } of this.engines)
      if (!this.world.stormy || this.chance.is(0.8))
        for (const job of machine.leases.jobs) machine.leases.renewNow(job);
  }

  private kill(n: number): void {
    const { machine } = this.engines[n]!;
    this.note(`${machine.name} dies`);
    machine.kill();
    this.engines[n] = this.boot(n);
  }

  private claim(engine: Engine): void {
    const { machine } = engine;
    const began = this.changes;
    const working = async (): Promise<void> => {
      const attempts = await claim(engine);
      // Due and not to be had: its connection is busy, or its holder is gone and the lease is not over.
      if (attempts.length === 0) this.fruitlessAt = began;
      for (const attempt of attempts) this.run(machine, 'job', attempt);
    };
    this.run(machine, 'claim', working());
  }

  /** Hands facts to those who listen, at least once and in order. */
  private deliver({ machine, processes }: Engine): void {
    for (const listener of processes) {
      if (this.delivering.get(listener.name)?.alive) continue;
      const next = this.heardAfter(listener.name);
      if (next === undefined) continue;
      this.delivering.set(listener.name, machine);
      const handling = async (): Promise<void> => {
        try {
          await listener.handle(this.ledger.log[next]!);
          await machine.write('cursor', () => this.ledger.cursors.set(listener.name, next + 1));
        } finally {
          this.delivering.delete(listener.name);
        }
      };
      this.run(machine, `listener ${listener.name}`, handling());
    }
  }

  private heardAfter(name: string): number | undefined {
    const { log, cursors } = this.ledger;
    for (let at = cursors.get(name) ?? 0; at < log.length; at++) if (HEARD.includes(log[at]!.type)) return at;
    cursors.set(name, log.length);
    return undefined;
  }

  private office(): void {
    const states = this.requests;
    if (states.length === 0) return this.openSome();
    if (this.world.twins && this.world.stormy && this.chance.is(0.04)) return this.again(this.chance.of(this.persons));
    const state = this.chance.of(states);
    const sensible = helpful(state, this.personOf(state), this.world.now, this.chance);
    const unwise = this.chance.is(sensible ? 0.05 : 0.06);
    const next = unwise ? rash(state, this.chance, `act ${this.acts}`) : sensible;
    if (next) this.begin(this.chance.of(this.engines), next);
  }

  private begin(engine: Engine, { name, run }: Act): void {
    this.acts += 1;
    this.note(`office ${name}`);
    this.run(engine.machine, name, run(engine));
  }

  /** What ends without an answer that is expected is a bug of the engine, whatever the outcome. */
  private run(machine: Machine, name: string, work: Promise<unknown>): void {
    machine.busy += 1;
    if (name !== 'claim') this.changes += 1;
    work
      .catch((error: unknown) => {
        this.note(`${machine.name} ${name}: ${String((error as { code?: unknown }).code ?? (error as Error).name)}`);
        if (!(error instanceof FenceLost) && !isExpected(error))
          this.violations.push(`${name} threw ${String((error as Error).stack ?? error)}`);
      })
      .finally(() => {
        machine.busy -= 1;
        if (name !== 'claim') this.changes += 1;
      });
  }

  private note(what: string): void {
    this.trace.push(`${new Date(this.world.now).toISOString().slice(2, 19)} ${what}`);
  }

  /** The storm is over: nothing fails any more, time passes when nobody moves, and the office is diligent. */
  async calm(rounds = 400): Promise<void> {
    this.clear();
    for (let round = 0; round < rounds; round++) {
      await this.settle();
      const still = this.requests.filter(({ status }) => status !== 'closed');
      if (still.length === 0) return;
      const moved = await this.diligently(still);
      if (moved) continue;
      const next = this.nextAt(this.world.now + 1);
      if (next === undefined) {
        for (const state of still) this.violations.push(`no exit: ${describe(state)}`);
        return;
      }
      this.passTime(Math.max(1, next - this.world.now + 1));
    }
    for (const state of this.requests.filter(({ status }) => status !== 'closed'))
      this.violations.push(`no end: ${describe(state)}`);
  }

  private clear(): void {
    this.world.stormy = false;
    this.world.mailDownUntil = 0;
    Object.assign(this.weather, { readParks: 0, storeFails: 0 } satisfies Weather);
    for (const system of this.world.systems.values()) Object.assign(system, { downUntil: 0, refusesUntil: 0 });
    this.note('calm');
  }

  private async diligently(still: RequestState[]): Promise<boolean> {
    for (const state of still) {
      const next = helpful(state, this.personOf(state), this.world.now, this.chance);
      if (!next) continue;
      const before = this.ledger.log.length;
      this.begin(this.engines[0]!, next);
      await this.settle();
      if (this.ledger.log.length > before) return true;
    }
    return false;
  }

  /** Until nothing is under way and nothing is due. */
  private async settle(): Promise<void> {
    this.changes += 1;
    for (let turns = 0; turns < 5_000; turns++) {
      await this.turn();
      if (this.resume(true)) continue;
      const due = this.ledger.jobs.nextAt();
      const engine = this.engines[0]!;
      if (engine.processes.some(({ name }) => this.heardAfter(name) !== undefined)) this.deliver(engine);
      else if (due !== undefined && due <= this.world.now && this.fruitlessAt !== this.changes) this.claim(engine);
      else return;
    }
    throw new Error(`the engine never comes to rest: ${this.trace.slice(-60).join('; ')}`);
  }

  /** Years later: what was kept goes on its day. `look` is called every time that it changes. */
  async later(look: (sim: Simulation) => void, last: (sim: Simulation) => void, jumps = 80): Promise<void> {
    for (const name of [...this.world.holds.keys()]) holdOrRelease(this, name);
    for (const row of this.world.rows) if (row.blockedBy === 'contract-running') delete row.blockedBy;
    for (let jump = 0; jump < jumps; jump++) {
      await this.settle();
      if (this.world.twins && this.chance.is(0.3))
        this.begin(this.engines[0]!, complain(this.chance.of(this.requests)));
      look(this);
      const next = this.nextAt(this.world.now + 1);
      if (next === undefined) break;
      this.passTime(Math.max(1, next - this.world.now + 1));
    }
    await this.calm();
    if (this.requests.every(({ status }) => status === 'closed') && this.nextAt(this.world.now + 1) === undefined)
      last(this);
  }
}
