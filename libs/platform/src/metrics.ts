/** Prometheus metrics of one process. A gauge asks for its value when it is read, so that it can't be older than the answer. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Label values: codes, names of routes, subscriptions or roles. Never an identifier, a raw URL or free text. */
export type MetricLabels = Record<string, string>;

/** Sets one series of a gauge. */
export type SetGauge = (value: number, labels?: MetricLabels) => void;

/** Asks for the values of a gauge; series that it does not set are gone from the answer. */
export type Collect = (set: SetGauge) => void | Promise<void>;

/** How long one gauge may keep a reader of the metrics waiting. */
const PATIENCE_MS = 2_000;

/**
 * The registry of one process, of its own so that several may live in one test. Names are `lethe_<noun>_<unit>`; every
 * domain registers what it can tell in `onApplicationBootstrap`. A name that is registered twice throws.
 */
export class Metrics {
  readonly registry = new Registry();
  /** Gauges that could not be read: they are absent from the answer, and counted here by name. */
  private readonly unread: Counter<'metric'>;

  constructor() {
    this.unread = this.counter('lethe_metrics_unread_total', 'Gauges that could not be read, by name', ['metric']);
  }

  /**
   * A value that goes up and down. With `collect` it is asked at every read, at most 2 s; when that fails, the gauge has
   * no series in that answer (an alert on `absent()` sees it), and the others are told as ever. Without `collect`, set
   * the returned gauge.
   */
  gauge<Label extends string = string>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
    collect?: Collect,
  ): Gauge<Label> {
    const { registry, unread } = this;
    return new Gauge<Label>({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      ...(collect
        ? {
            async collect(): Promise<void> {
              const values = await settled(collect).catch(() => undefined);
              if (values === undefined) unread.inc({ metric: name });
              this.reset();
              // A reset gauge without labels would say 0, which is a statement.
              if (labels.length === 0) this.remove();
              for (const { value, labels: of } of values ?? []) this.set(of as Record<Label, string>, value);
            },
          }
        : {}),
    });
  }

  /** A number that only grows; its name ends in `_total`. */
  counter<Label extends string = string>(name: string, help: string, labels: readonly Label[] = []): Counter<Label> {
    return new Counter<Label>({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  /** How values are spread; seconds by default. */
  histogram<Label extends string = string>(
    name: string,
    help: string,
    labels: readonly Label[] = [],
    buckets: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ): Histogram<Label> {
    return new Histogram<Label>({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers: [this.registry],
    });
  }

  /** Everything, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

/** What `collect` sets, in time; what it sets later is dropped. */
async function settled(collect: Collect): Promise<{ value: number; labels: MetricLabels }[]> {
  const values: { value: number; labels: MetricLabels }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('a gauge was not read in time')), PATIENCE_MS);
  });
  try {
    await Promise.race([(async () => collect((value, labels = {}) => void values.push({ value, labels })))(), late]);
    return [...values];
  } finally {
    clearTimeout(timer);
  }
}
