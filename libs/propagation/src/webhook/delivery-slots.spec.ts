/** Slots of a process: whoever hangs, there is always room for whoever answers. */
import { describe, expect, it } from '@jest/globals';
import { DeliverySlots, SLOTS, SLOTS_OF_ONE } from './delivery-slots.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `endpoint-${at}`);

/** What a worker would run: as many jobs of each endpoint as its limit and the slots allow. */
function fill(slots: DeliverySlots, endpoints: readonly string[], running = new Map<string, number>()): number {
  let total = 0;
  for (let turn = 0; turn < SLOTS_OF_ONE; turn += 1)
    for (const endpoint of endpoints) {
      const held = running.get(endpoint) ?? 0;
      if (held >= slots.most(endpoint) || !slots.enter(endpoint)) continue;
      running.set(endpoint, held + 1);
      total += 1;
    }
  return total;
}

describe('slots of deliveries', () => {
  it('are one for an endpoint that has not answered yet, and four once it has', () => {
    const slots = new DeliverySlots();
    expect(fill(slots, ['a'])).toBe(1);
    slots.leave('a');
    slots.answered('a');
    expect(fill(slots, ['a'])).toBe(SLOTS_OF_ONE);
    expect(slots.enter('a')).toBe(false);
  });

  it('are one again after it was silent, as soon as those under way have ended', () => {
    const slots = new DeliverySlots();
    slots.answered('a');
    fill(slots, ['a']);
    slots.silent('a');
    for (let left = SLOTS_OF_ONE; left > 0; left -= 1) {
      expect([slots.most('a'), slots.enter('a')]).toEqual([left, false]);
      slots.leave('a');
    }
    expect(slots.most('a')).toBe(1);
  });

  it('leave half of all to those that answer, however many hang', () => {
    const slots = new DeliverySlots();
    const hanging = names(100);
    expect(fill(slots, hanging)).toBe(SLOTS / 2);
    slots.answered('sound');
    expect(slots.most('sound')).toBe(SLOTS_OF_ONE);
    expect(fill(slots, ['sound'])).toBe(SLOTS_OF_ONE);
    slots.leave('endpoint-0');
    expect([slots.most('endpoint-50'), slots.most('endpoint-1')]).toEqual([1, 1]);
  });

  it('leave room when ten that always answered fall silent at the same moment', () => {
    const slots = new DeliverySlots();
    const falling = names(10);
    for (const endpoint of falling) slots.answered(endpoint);
    expect(fill(slots, falling)).toBe(18);
    slots.answered('sound');
    expect(slots.most('sound')).toBe(1);
    expect(slots.enter('sound')).toBe(true);
  });

  it('are counted back to nothing', () => {
    const slots = new DeliverySlots();
    const all = names(12);
    for (let round = 0; round < 50; round += 1) {
      fill(slots, all);
      for (const endpoint of all) slots.leave(endpoint);
    }
    expect(fill(slots, names(30))).toBe(12);
  });
});
