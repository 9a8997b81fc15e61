/** Connected systems in memory, for specs of the request engine: rows that lead to people, and the faults real systems have. */
import type {
  DataRecord,
  Dataset,
  Fail,
  Horizon,
  Identifier,
  Item,
  Json,
  Located,
  Op,
  Outcome,
  Target,
  Verification,
} from '@lethe/plugin-sdk';
import type { TakenBack } from '#connectors';
import type { ConnectedSystem, SystemCalls } from '../../libs/requests/src/step/connected-systems.js';

export interface FakeRow {
  dataset: string;
  ref: string;
  ids: (Identifier & { strength?: 'identifying' | 'candidate' })[];
  startsOn?: string;
  blockedBy?: string;
  sharedWith?: 'others';
  stripped?: string[];
}

/** How a system misbehaves. */
export interface Faults {
  down?: Fail;
  applyDown?: Fail;
  readDown?: Fail;
  /** Says erased and keeps the row. */
  lies?: boolean;
  /** Erases and then fails before it can say so, once. */
  dropsAnswerOnce?: boolean;
  /** Erases what it is handed and says so, whatever the plan says. */
  ignoresPlan?: boolean;
  /** Erases every second row only. */
  half?: boolean;
  refuses?: string;
  /** Takes the work on and does it later (`FakeSystem.ready`); `askable`: has an operation `poll`; `offers`: until it begins, the work can be taken back. */
  slow?: 'askable' | 'mute' | 'offers';
}

export class FakeSystem {
  rows: FakeRow[] = [];
  faults: Faults = {};
  /** Comes in while the first erasure runs. */
  lateRow: FakeRow | undefined;
  calls: string[] = [];
  itemKeys: string[] = [];
  readKeys = new Set<string>();
  handles: Json[] = [];
  /** `dataset/ref` of what it was handed to act on, and of what it was told to leave. */
  handed: string[] = [];
  left: string[] = [];
  /** Effective deletions by `dataset/ref`. */
  changed = new Map<string, number>();

  /** Whose holds it was told of with what it was to act on. */
  people: readonly string[] | undefined;

  constructor(readonly view: ConnectedSystem) {}

  *located(items: Item[]): Generator<Located> {
    this.calls.push('locate');
    if (this.faults.down) throw Object.assign(new Error('down'), { fail: this.faults.down });
    for (const item of items)
      for (const row of this.rows) {
        if (!row.ids.some((id) => item.ids.some((asked) => asked.type === id.type && asked.value === id.value)))
          continue;
        const { dataset, ref, startsOn, blockedBy, sharedWith } = row;
        const found = row.ids.map(({ type, value, strength = 'identifying' }) => ({ type, value, strength }));
        yield {
          itemKey: item.itemKey,
          dataset,
          ref,
          count: 1,
          found,
          ...(startsOn ? { startsOn } : {}),
          ...(blockedBy ? { blockedBy } : {}),
          ...(sharedWith ? { sharedWith } : {}),
        };
      }
  }

  *applied(at: Target[], op: Op = { kind: 'erasure' }): Generator<Outcome> {
    this.calls.push('apply');
    this.handed.push(...at.map(({ dataset, ref }) => `${dataset}/${ref}`));
    if (op.kind === 'erasure') this.left.push(...(op.kept ?? []).map(({ dataset, ref }) => `${dataset}/${ref}`));
    if (this.faults.applyDown) throw Object.assign(new Error('down'), { fail: this.faults.applyDown });
    if (this.lateRow) this.rows.push(this.lateRow);
    this.lateRow = undefined;
    const outcomes: Outcome[] = [];
    at.forEach((target, index) => {
      this.itemKeys.push(target.itemKey);
      outcomes.push(this.one(target, index));
    });
    if (this.faults.dropsAnswerOnce) {
      this.faults.dropsAnswerOnce = false;
      throw Object.assign(new Error('gone'), {
        fail: { class: 'transient', code: 'answer-lost', retryAfterMs: 1 } satisfies Fail,
      });
    }
    yield* outcomes;
  }

  private one({ itemKey, dataset, ref, action, ruleId, fields }: Target, index: number): Outcome {
    const at = { itemKey, dataset, ref };
    const row = this.rows.find((one) => one.dataset === dataset && one.ref === ref);
    if (!row) return { ...at, count: 0, kind: 'not-found' };
    if (this.faults.refuses) return { ...at, count: 1, kind: 'refused-by-system', message: this.faults.refuses };
    if (!this.faults.ignoresPlan && (action === 'retain' || action === 'strip')) {
      if (action === 'strip') row.stripped = fields ?? [];
      return {
        ...at,
        count: 1,
        kind: 'retained',
        ruleId: ruleId ?? '',
        ...(action === 'strip' ? { stripped: fields ?? [] } : {}),
      };
    }
    if (this.faults.slow && !this.ready) {
      this.offered.add(itemKey);
      return { ...at, count: 1, ...this.pending() };
    }
    if (this.faults.half && index % 2 === 1)
      return { ...at, count: 0, kind: 'failed', retryable: false, error: { class: 'permanent', code: 'half-done' } };
    if (!this.faults.lies) {
      this.rows = this.rows.filter((one) => one !== row);
      this.changed.set(`${dataset}/${ref}`, (this.changed.get(`${dataset}/${ref}`) ?? 0) + 1);
    }
    return action === 'detach' ? { ...at, count: 1, kind: 'detached' } : { ...at, count: 1, kind: 'erased' };
  }

  /** The vendor's job is done; what was taken on is gone when it is asked or told again. */
  ready = false;

  /** Keys of work that waits for somebody to begin it. */
  offered = new Set<string>();

  /** Somebody has had what was offered, and let it lie. */
  wasHanded = false;

  /** Datasets that somebody was done with when he gave the rest back. */
  told: string[] = [];

  withdrawn(itemKey: string, at: Target[]): TakenBack[] {
    this.calls.push('withdraw');
    if (this.faults.slow !== 'offers') return at.map(() => 'unknown');
    if (this.ready) return at.map(() => 'taken-on');
    this.offered.delete(itemKey);
    const taken = this.wasHanded ? 'withdrawn' : 'unasked';
    return at.map(({ dataset }) => (this.told.includes(dataset) ? 'taken-on' : taken));
  }

  private pending(): { kind: 'pending'; handle: Json; pollAfterMs: number; mustFinishBy: string } {
    return { kind: 'pending', handle: { job: 'job-1' }, pollAfterMs: 1000, mustFinishBy: '2026-11-30' };
  }

  *polled(handle: Json, at: Target[]): Generator<Outcome> {
    this.calls.push('poll');
    const asked = at.every(({ itemKey }) => this.offered.has(itemKey));
    if (this.faults.slow !== 'askable' && !(this.faults.slow === 'offers' && asked))
      throw Object.assign(new Error('none'), {
        fail: { class: 'permanent', code: 'operation-unsupported' } satisfies Fail,
      });
    this.handles.push(handle);
    yield* at.map((target, index) => this.one(target, index));
  }

  *verified(items: Item[], at: Target[]): Generator<Verification> {
    this.calls.push('verify');
    for (const { name: dataset } of this.view.datasets)
      for (const item of items) {
        const kept = at
          .filter((one) => one.dataset === dataset && (one.action === 'retain' || one.action === 'strip'))
          .map((one) => one.ref);
        const left = this.rows.filter(
          (row) =>
            row.dataset === dataset &&
            !row.blockedBy &&
            !kept.includes(row.ref) &&
            row.ids.some((id) => item.ids.some((asked) => asked.type === id.type && asked.value === id.value)),
        );
        if (left.length === 0) yield { itemKey: item.itemKey, dataset, kind: 'clean' };
        for (const { ref } of left) yield { itemKey: item.itemKey, dataset, kind: 'residue', ref, by: 'identifier' };
      }
  }
}

/** A system with erasable datasets of these names. */
export function fakeSystem(id: string, datasets: (Partial<Dataset> & { name: string })[]): FakeSystem {
  const full = datasets.map((one): Dataset => ({
    title: one.name,
    categories: [],
    fields: [],
    refs: [],
    shared: false,
    action: 'erase',
    stripFields: [],
    schemaHash: `schema-${one.name}`,
    ...one,
  }));
  const version = { pluginId: 'fake', pluginVersion: '1.0.0', contentHash: 'hash', configVersion: 1 };
  return new FakeSystem({
    id,
    name: id,
    ...version,
    role: 'own',
    legalEntity: 'Shop',
    country: 'DE',
    datasets: full,
    isolation: 'process',
    status: 'enabled',
  });
}

/** Calls that reach the fakes. */
export function fakeCalls(systems: FakeSystem[]): SystemCalls {
  const of = (id: string): FakeSystem => {
    const found = systems.find((one) => one.view.id === id);
    if (!found)
      throw Object.assign(new Error('unknown'), {
        fail: { class: 'config', code: 'connection-disabled' } satisfies Fail,
      });
    return found;
  };
  return {
    async *locate(_tenant, id, items) {
      yield* of(id).located(items);
    },
    async *read(_tenant, id, items, at) {
      const { faults, readKeys } = of(id);
      for (const { itemKey } of items) readKeys.add(itemKey);
      if (faults.readDown) throw Object.assign(new Error('down'), { fail: faults.readDown });
      for (const { dataset, ref } of at)
        if (of(id).rows.some((row) => row.dataset === dataset && row.ref === ref))
          yield { itemKey: items[0]?.itemKey ?? '', dataset, ref, fields: { ref } } satisfies DataRecord;
    },
    async *apply(_tenant, id, op, _items, at, options) {
      of(id).people = options?.about?.people;
      yield* of(id).applied(at, op);
    },
    async *poll(_tenant, id, handle, at) {
      yield* of(id).polled(handle, at);
    },
    async withdraw(_tenant, id, itemKey, at) {
      return of(id).withdrawn(itemKey, at);
    },
    async *verify(_tenant, id, items, at) {
      yield* of(id).verified(items, at);
    },
    async *horizon(_tenant, id) {
      for (const { name } of of(id).view.datasets)
        yield { dataset: name, layer: 'backup', until: '2027-01-01' } satisfies Horizon;
    },
  };
}
