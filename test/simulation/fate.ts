/** Fate: outages, late rows, holds, contracts that end. */
import { randomUUID } from 'node:crypto';
import type { Chance } from './chance.js';
import { TENANT, type MemoryLedger } from './memory-ledger.js';
import { DAY, HOUR, type World } from './world.js';

/** What fate strikes. */
interface Struck {
  world: World;
  chance: Chance;
  persons: string[];
  ledger: MemoryLedger;
}

/** One stroke; returns what it was. */
export function strike(sim: Struck): string {
  const { world, chance, persons } = sim;
  const system = chance.of([...world.systems.values()]);
  switch (chance.below(6)) {
    case 0:
      system.downUntil = world.now + (chance.is(0.3) ? chance.below(4 * DAY) : chance.below(HOUR));
      return `${system.id} is silent`;
    case 1:
      system.refusesUntil = world.now + chance.below(HOUR);
      return `${system.id} refuses`;
    case 2:
      world.mailDownUntil = world.now + chance.below(2 * HOUR);
      return 'mail is down';
    case 3:
      if (chance.is(0.5)) world.addRow(chance.of(persons), system.id, chance.of(system.datasets).name);
      return 'late row';
    case 4:
      return holdOrRelease(sim, `${system.id}/${chance.of(system.datasets).name}`);
    default:
      for (const row of world.rows) if (row.blockedBy === 'contract-running') delete row.blockedBy;
      return 'contracts end';
  }
}

/** @param name the dataset, as `system/dataset` */
export function holdOrRelease({ world, ledger }: Pick<Struck, 'world' | 'ledger'>, name: string): string {
  const known = world.holds.get(name);
  if (!known) {
    world.holds.set(name, { id: randomUUID(), placedAt: world.now });
    return `hold ${name}`;
  }
  world.holds.delete(name);
  const [connectionId, dataset] = name.split('/') as [string, string];
  const data = { id: known.id, scope: { subjectId: null, connectionId, dataset }, reason: null };
  const event = { stream: `hold/${known.id}`, type: 'HoldReleased.v1', data };
  ledger.append({ tenant: TENANT, actorRef: 'member:ann', events: [event] });
  return `release ${name}`;
}
