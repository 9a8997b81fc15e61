/** What a system owes after a decision, and the facts that end it. */
import { declareEvents, type NewEvent } from '#ledger';
import type { Channel } from './system.js';

declareEvents('PropagationAcknowledged.v1', 'PropagationLate.v1', 'PropagationSettled.v1');

/** `settled`: a human has seen to it. `released`: the system was retired before it answered. */
export type PropagationState = 'waiting' | 'acknowledged' | 'settled' | 'released';

/** Stream of one decision's way to the systems. */
export const propagationStream = (position: number): string => `propagation/${position}`;
/** One stream a lateness: saying it twice is a conflict and not a second fact. */
export const latenessStream = (position: number, systemId: string): string =>
  `propagation/${position}/late/${systemId}`;

/** A system has said that it obeys the decisions at these positions. */
export function acknowledged(systemId: string, positions: readonly number[], how: Channel): NewEvent {
  return {
    stream: `connected-system/${systemId}`,
    type: 'PropagationAcknowledged.v1',
    data: { systemId, positions: [...positions], how },
  };
}
