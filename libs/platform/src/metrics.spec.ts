/** Metrics: read when asked, absent when they can't be read, and never in the way of the others. */
import { describe, expect, it } from '@jest/globals';
import { Metrics } from './metrics.js';

describe('metrics', () => {
  it('asks a gauge for its value at every read', async () => {
    const metrics = new Metrics();
    let waiting = 3;
    metrics.gauge('lethe_test_waiting', 'What waits', [], (set) => set(waiting));
    expect(await metrics.text()).toMatch(/^lethe_test_waiting 3$/m);
    waiting = 4;
    expect(await metrics.text()).toMatch(/^lethe_test_waiting 4$/m);
  });

  it('drops series that are not set any more', async () => {
    const metrics = new Metrics();
    const names = ['a', 'b'];
    metrics.gauge('lethe_test_lag', 'Lag', ['name'], (set) => names.forEach((name) => set(1, { name })));
    expect(await metrics.text()).toMatch(/^lethe_test_lag\{name="b"\} 1$/m);
    names.pop();
    expect(await metrics.text()).not.toMatch(/name="b"/);
  });

  it('tells the others when one can not be read, counts it, and says no 0 in its place', async () => {
    const metrics = new Metrics();
    metrics.gauge('lethe_test_broken', 'Fails', [], () => Promise.reject(new Error('gone')));
    metrics.gauge('lethe_test_silent', 'Never answers', [], () => new Promise<void>(() => undefined));
    metrics.gauge('lethe_test_sound', 'Works', [], (set) => set(1));
    const started = performance.now();
    await metrics.text();
    expect(performance.now() - started).toBeLessThan(4_000);
    const text = await metrics.text();
    expect(text).toMatch(/^lethe_test_sound 1$/m);
    expect(text).not.toMatch(/^lethe_test_(broken|silent) /m);
    expect(text).toMatch(/^lethe_metrics_unread_total\{metric="lethe_test_broken"\} 1$/m);
  }, 10_000);
});
