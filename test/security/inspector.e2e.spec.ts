/** A plugin may share the service's user, and with it the signal that opens Node's inspector. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { portsOf } from '../support/process-tree.js';
import { ServiceProcess } from '../support/service-process.js';

describe('the service', () => {
  let service: ServiceProcess;

  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    await service.start();
  }, 60_000);
  afterAll(() => service.close());

  it('opens no inspector for whoever asks by a signal, and serves on', async () => {
    const before = portsOf(service.pid);
    expect(before).not.toEqual([]);
    process.kill(service.pid, 'SIGUSR1');
    await sleep(500);
    expect(new Set(portsOf(service.pid))).toEqual(new Set(before));
    expect((await fetch(`${service.baseUrl}/readyz`)).status).toBe(200);
  });
});
