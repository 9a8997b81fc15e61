/** The guard of the clock: what it calls sound, what it stops, and that it sees a jump without asking anybody. */
import { describe, expect, it } from '@jest/globals';
import { TestClock } from '#kernel';
import { ClockGuard, type ClockJudgement } from './clock-guard.js';

/** A machine's clock that runs, and can be set wrong. */
class WrongClock extends TestClock {
  ahead = 0;
  override now(): Date {
    return new Date(Date.now() + this.ahead);
  }
}

function guarded(): { clock: WrongClock; guard: ClockGuard; told: ClockJudgement[]; answer: { failing: boolean } } {
  const clock = new WrongClock(new Date());
  const told: ClockJudgement[] = [];
  const answer = { failing: false };
  const reference = (): Promise<Date> =>
    answer.failing ? Promise.reject(new Error('planted')) : Promise.resolve(new Date());
  const guard = new ClockGuard(clock, reference, (judgement) => told.push(judgement));
  return { clock, guard, told, answer };
}

describe('a clock', () => {
  it.each([
    [0, 'sound', true],
    [1_900, 'sound', true],
    [2_100, 'skewed', true],
    [-2_100, 'skewed', true],
    [4_900, 'skewed', true],
    [5_100, 'stopped', false],
    [-5_100, 'stopped', false],
    [40 * 86_400_000, 'stopped', false],
    [-86_400_000, 'stopped', false],
  ] as const)('%i ms ahead is %s', async (ahead, judgement, mayDate) => {
    const { clock, guard, told } = guarded();
    clock.ahead = ahead;
    await guard.compare();
    expect([guard.mayDate, told]).toEqual([mayDate, judgement === 'sound' ? [] : [judgement]]);
    expect(Math.abs((guard.skewMs ?? 0) - ahead)).toBeLessThan(100);
  });

  it('that jumps is seen at once, also while the database does not answer, and heals alone', async () => {
    const { clock, guard, told, answer } = guarded();
    await guard.compare();
    answer.failing = true;
    clock.ahead = 40 * 86_400_000;
    expect(guard.mayDate).toBe(false);
    await expect(guard.compare()).rejects.toThrow('planted');
    expect(guard.mayDate).toBe(false);
    clock.ahead = 0;
    expect(guard.mayDate).toBe(true);
    expect(told).toEqual(['stopped', 'sound']);
  });

  it.each([
    [40 * 86_400_000, 0],
    [5_100, 0],
    [4_000, 4_000],
    [-86_400_000, -86_400_000],
  ])('%i ms ahead dates what is recorded %i ms ahead: far apart, the earlier of two clocks', async (ahead, dated) => {
    const { clock, guard } = guarded();
    await guard.compare();
    clock.ahead = ahead;
    expect(Math.abs(guard.now().getTime() - Date.now() - dated)).toBeLessThan(100);
  });

  it('is not accused of a slow answer', async () => {
    const clock = new WrongClock(new Date());
    const slow = async (): Promise<Date> => {
      const asked = new Date();
      await new Promise((resolve) => setTimeout(resolve, 400));
      return asked;
    };
    const guard = new ClockGuard(clock, slow);
    await guard.compare();
    expect(Math.abs(guard.skewMs ?? 1)).toBeLessThan(60);
  });
});
