// The page that verify-log.mjs prints: the seal check, in words an auditor can file.
import { row } from './formats.mjs';

/** One readable page: period, records recomputed, changed, missing, countersigned, limits. */
export function sealPage({ source, keyText, keyGiven, keys, checkpoints, held, proved, found }) {
  const { period, recomputed, missing, changed, broken } = found;
  const latest = checkpoints.at(-1);
  const sound = missing.length + changed.length + broken.length === 0;
  const witnesses = checkpoints.flatMap(({ size, countersigned }) =>
    countersigned.map(({ key, time }) => `${key.name} at ${time} (${size} records)`),
  );
  return [
    sound
      ? 'SEAL CHECK: the records are those that were sealed'
      : 'SEAL CHECK: THE RECORDS ARE NOT THOSE THAT WERE SEALED',
    '',
    row('Log', latest.origin),
    row('Read from', source.name),
    row('Period', period.first === undefined ? 'no dated record' : `${period.first} to ${period.last}`),
    row('Records recomputed', ` ${recomputed} of ${latest.size}`),
    row('Changed', changedWords(changed, broken)),
    row('Missing', missing.length === 0 ? '0' : `${missing.length}, ${listed(missing)}`),
    row('Order in time', period.disordered === 0 ? 'kept' : `broken at ${period.disordered} records`),
    row('Seals compared', checkpoints.map(({ size }) => size).join(', ') + ` records; ${held} of them yours`),
    row('Continuity', continuity(checkpoints, proved)),
    row('Countersigned', witnesses.length > 0 ? witnesses.join('; ') : 'by no witness that you named'),
    row('Log key', `${keyText} (${keyGiven ? 'the one you gave' : 'as the operator states it'})`),
    ...keys
      .slice(1)
      .map(({ key, fromSize }) => row('Replaced', `by ${key.text}, committed before, from ${fromSize} records on`)),
    ...found.certificateKeys.map(({ key, position }) =>
      row('Certificate key', `${key}, recorded at position ${position}`),
    ),
    ...limits({ keyGiven, held, witnesses }),
    '',
    'Annex',
    ...checkpoints.map(({ size, root }) => row(`Root of ${size}`, root.toString('base64'))),
    '',
  ].join('\n');
}

function changedWords(changed, broken) {
  const [stretch] = broken;
  if (changed.length > 0) return `${changed.length}, ${listed(changed)}`;
  return stretch === undefined ? '0' : `at least 1, at positions ${stretch.from} to ${stretch.to}`;
}

function listed(positions) {
  return `at positions ${positions.slice(0, 10).join(', ')}${positions.length > 10 ? ', ...' : ''}`;
}

function continuity(checkpoints, proved) {
  if (checkpoints.length === 1) return 'one seal only: nothing earlier to compare with';
  const how = proved > 0 ? 'recomputed from the records and proved by the service' : 'recomputed from the records';
  return `each seal continues the one before (${how})`;
}

function limits({ keyGiven, held, witnesses }) {
  return [
    '',
    'Limits',
    '  You need not trust the operator for the integrity of what was recorded before the last checkpoint that you hold;',
    '  you do trust the sources for what they report, and the clock within the stated bound.',
    '  A seal shows that nothing recorded was changed or taken out. It cannot show what a source never reported.',
    ...(held > 0
      ? []
      : [
          '  You gave no earlier checkpoint (--since): a log rewritten before today would look the same. Keep this one.',
        ]),
    ...(keyGiven ? [] : ['  The log key came from the operator. Ask for it on another way and run again with --vkey.']),
    ...(witnesses.length > 0 ? [] : ['  No independent witness countersigned; a witness run by the operator is none.']),
  ];
}
