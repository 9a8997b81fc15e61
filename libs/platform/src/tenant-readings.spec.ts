/** What the gauges read of every tenant: once a scrape, a few at a time, and never held up by how many there are. */
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import { TenantReadings } from './tenant-readings.js';

/** Readings of `count` tenants that take `tookMs` each; `fail` makes the next ones fail. */
function planted(count: number, tookMs: number) {
  const world = { now: 0, reads: 0, atOnce: 0, most: 0, fail: false };
  const tenants = Array.from({ length: count }, (_, index) => `t${index}` as TenantId);
  const read = async (tenant: TenantId): Promise<string> => {
    world.reads += 1;
    world.most = Math.max(world.most, (world.atOnce += 1));
    world.now += tookMs;
    await turn();
    world.atOnce -= 1;
    if (world.fail) throw new Error('gone');
    return tenant;
  };
  const readings = new TenantReadings(
    async () => tenants,
    read,
    () => world.now,
  );
  return { world, readings };
}

const settled = async (): Promise<void> => {
  for (let index = 0; index < 5_000; index += 1) await turn();
};

describe('readings of all tenants', () => {
  it('are made once for all gauges of a scrape, two tenants at a time', async () => {
    const { world, readings } = planted(50, 1);
    const answers = await Promise.all([readings.all(), readings.all(), readings.all()]);
    expect(answers.map((all) => all.length)).toEqual([50, 50, 50]);
    expect([world.reads, world.most]).toEqual([50, 2]);
    await readings.all();
    expect(world.reads).toBe(50);
  });

  it('of a few tenants are of the moment', async () => {
    const { world, readings } = planted(1, 5);
    await readings.all();
    world.now += 300;
    await readings.all();
    expect(world.reads).toBe(2);
  });

  it('of many tenants are kept ten times as long as they took, and then made anew behind the answer', async () => {
    const { world, readings } = planted(2_000, 1);
    await readings.all();
    world.now += 15_000;
    await readings.all();
    expect(world.reads).toBe(2_000);
    world.now += 6_000;
    let answered = false;
    const asked = readings.all().then((all) => {
      answered = true;
      return all;
    });
    await turn();
    expect([answered, (await asked).length]).toEqual([true, 2_000]);
    await settled();
    expect(world.reads).toBe(4_000);
  });

  it('that failed are told as failed, also behind an answer, and are made again', async () => {
    const { world, readings } = planted(2_000, 1);
    await readings.all();
    world.now += 25_000;
    world.fail = true;
    expect(await readings.all()).toHaveLength(2_000);
    await settled();
    await expect(readings.all()).rejects.toThrow('gone');
    world.fail = false;
    expect(await readings.all()).toHaveLength(2_000);
  });

  it('are never older than five minutes', async () => {
    const { world, readings } = planted(2_000, 1);
    await readings.all();
    world.now += 400_000;
    world.fail = true;
    await expect(readings.all()).rejects.toThrow('gone');
  });
});
