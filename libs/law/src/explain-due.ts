/** A deadline's arithmetic as lines to read, for `lethe due` and the case file. */
import { shown } from './calendar/civil-date.js';
import { clocksFor, leading, type ClocksInput, type LegalClock } from './clocks.js';

/** Lines that explain every clock of a request and which one leads. Throws what `clocksFor` throws. */
export function explainDue(input: ClocksInput): string[] {
  const clocks = clocksFor(input);
  const lead = leading(clocks);
  return [
    `${input.type}, received ${shown(input.receivedOn)}, place ${input.territory ?? 'not given'}`,
    ...clocks.flatMap(linesOf),
    ...(lead ? [`leading: ${lead.regime} ${lead.kind}, due ${shown(lead.effectiveDueOn)}`] : []),
  ];
}

function linesOf(clock: LegalClock): string[] {
  return [
    '',
    `${clock.regime} ${clock.kind}: due ${shown(clock.effectiveDueOn)}`,
    ...clock.steps.map((step) => `  ${step}`),
    ...(clock.extendableTo ? [`  could be extended to ${shown(clock.extendableTo)}`] : []),
    ...(clock.warnOn ? [`  warn on ${shown(clock.warnOn)}: the text can be read a day shorter`] : []),
    ...(clock.pausedSince ? [`  stands still since ${shown(clock.pausedSince)}; moves on with every day asked`] : []),
    `  rule ${clock.rule} (${clock.ruleVersion}), ${clock.citation}; ${clock.source} [${clock.confidence}]`,
  ];
}
