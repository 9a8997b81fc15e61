/** What this process itself is doing: its databases, its queue, its flushes, what it refuses. */
import type { Database } from '#ledger';
import type { PlatformParts } from '#platform';

/** Registers them; they need no database to be read. */
export function registerProcessGauges(parts: PlatformParts): void {
  const { metrics, store, state } = parts;
  metrics.gauge('lethe_append_queue_length', 'Appends that wait for a flush', [], (set) => set(store.queued));
  metrics.gauge('lethe_refusing_state', 'Why this process refuses work, by code', ['code'], (set) => {
    for (const { code } of state.refusals) set(1, { code });
  });
  metrics.gauge(
    'lethe_clock_skew_seconds',
    "By how much this process's clock is ahead of the database's; beyond 5 nothing is signed and no due date is acted on",
    [],
    (set) => {
      if (parts.clockGuard.skewMs !== undefined) set(parts.clockGuard.skewMs / 1000);
    },
  );
  const flush = metrics.histogram('lethe_flush_seconds', 'From the first statement of a flush until its commit');
  const events = metrics.counter('lethe_events_appended_total', 'Events this process appended');
  store.onCommit((_tenant, _position, flushed) => {
    flush.observe(flushed.seconds);
    events.inc(flushed.appended.length);
  });
  registerDatabases(parts);
  registerProcess(parts);
}

function registerDatabases({ metrics, database, keystoreDatabase, log }: PlatformParts): void {
  const all: [string, Database][] = [
    ['ledger', database],
    ['keystore', keystoreDatabase],
  ];
  metrics.gauge(
    'lethe_database_up',
    '1 while the database answers, 0 while it is known not to',
    ['database'],
    (set) => {
      for (const [name, one] of all) set(one.available ? 1 : 0, { database: name });
    },
  );
  const use = ['database', 'pool'] as const;
  metrics.gauge('lethe_database_connections', 'Connections lent at the moment', use, (set) => {
    for (const [name, one] of all)
      for (const [pool, { lent }] of Object.entries(one.use)) set(lent, { database: name, pool });
  });
  metrics.gauge('lethe_database_waiting', 'Callers that wait for a connection', use, (set) => {
    for (const [name, one] of all)
      for (const [pool, { waiting }] of Object.entries(one.use)) set(waiting, { database: name, pool });
  });
  const waits = metrics.histogram('lethe_database_wait_seconds', 'How long callers waited for a connection', use);
  for (const [name, one] of all) {
    one.onWait((pool, seconds) => waits.observe({ database: name, pool }, seconds));
    one.onAvailability((now, afterMs) => {
      const fields = { database: name, afterMs: Math.round(afterMs) };
      if (now === 'down') log.error(fields, 'the database does not answer; calls are refused until it does');
      else log.warn(fields, 'the database answers again');
    });
  }
}

/** Names as every client of Prometheus gives them, so that common dashboards work. */
function registerProcess({ metrics }: PlatformParts): void {
  metrics.gauge('process_cpu_seconds_total', 'CPU time of this process', [], (set) => {
    const { user, system } = process.cpuUsage();
    set((user + system) / 1e6);
  });
  metrics.gauge('process_resident_memory_bytes', 'Memory of this process', [], (set) => set(process.memoryUsage.rss()));
  metrics.gauge('nodejs_heap_size_used_bytes', 'Heap in use', [], (set) => set(process.memoryUsage().heapUsed));
  const startedAt = Date.now() / 1000 - process.uptime();
  metrics.gauge('process_start_time_seconds', 'When this process began, since 1970', [], (set) => set(startedAt));
}
