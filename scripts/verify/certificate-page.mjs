// The page that verify-certificate.mjs prints: what was checked, what it means, and what it does not prove.
import { plain, row } from './formats.mjs';

/** One readable page of a verified certificate. */
export function certificatePage(result) {
  return [
    ...heading(result),
    ...targets(result.body),
    ...evidence(result),
    ...signatures(result),
    ...meaning(result),
    '',
  ].join('\n');
}

function heading({ body }) {
  const optional = [
    ['Controller', body.controller],
    ['Laws', body.regimes?.join?.(', ')],
    ['Received', body.receivedAt],
    ['Closed', body.closedAt],
    ['Supersedes', body.supersedes],
  ];
  return [
    'CERTIFICATE VERIFIED',
    '',
    row('Certificate', `${body.certificateId}${body.version === undefined ? '' : `, version ${body.version}`}`),
    row('Request', `${body.requestId}, ${body.type}`),
    row('Closed as', body.status),
    ...optional.filter(([, value]) => value !== undefined).map(([name, value]) => row(name, value)),
    row('Issued', body.issuedAt),
  ];
}

function targets(body) {
  const lines = ['', 'What the controller reports as done and observed'];
  for (const target of body.targets) {
    lines.push(`  ${plain(target.name ?? target.connectionId)}`);
    for (const outcome of target.outcomes) {
      const why = [outcome.reason, outcome.citation, outcome.until && `until ${outcome.until}`].filter(Boolean);
      const count = String(outcome.count ?? '');
      const what = `    ${plain(outcome.dataset).padEnd(28)} ${plain(outcome.kind).padEnd(18)} ${plain(count).padStart(6)}`;
      lines.push(`${what}  ${plain(why.join('; '))}`.trimEnd());
    }
    if (target.verification !== undefined) lines.push(`    read again: ${plain(target.verification)}`);
    if (target.horizon !== undefined && target.horizon !== null)
      lines.push(`    copies may live on: ${plain(target.horizon)}`);
  }
  for (const system of body.notSearched ?? []) lines.push(`  not searched: ${plain(system)}`);
  return lines;
}

function evidence({ body, proved, sealedAt }) {
  const lines = ['', `Entries of the ledger ${plain(body.ledger.origin)} (hash, position and signed root checked)`];
  for (const { position, leaf, checkpoint } of proved) {
    const what = `${String(position).padStart(8)}  ${plain(leaf.type).padEnd(34)} recorded ${plain(leaf.recordedAt)}`;
    lines.push(`  ${what}, under the seal of ${checkpoint.size} records`);
  }
  lines.push(
    sealedAt === undefined
      ? '  The certificate itself is not sealed in the ledger.'
      : `  The certificate itself is sealed in the ledger at position ${sealedAt.position}.`,
  );
  return lines;
}

function signatures({ keyId, logKeyText, proved, trust }) {
  const given = (held) => (held === undefined ? 'taken from the certificate, not from you' : 'the one you gave');
  const witnessed = proved.flatMap(({ checkpoint }) => checkpoint.countersigned);
  const names = [...new Set(witnessed.map(({ key, time }) => `${key.name} at ${time}`))];
  return [
    '',
    'Signatures',
    row('Certificate key', `${keyId} (${given(trust.certificateKey)})`),
    row('Log key', `${logKeyText} (${given(trust.vkey)})`),
    row('Countersigned', names.length > 0 ? names.join(', ') : 'by no witness that you named'),
  ];
}

function meaning({ trust }) {
  const warning = [
    '  One of the keys came with the certificate itself, so this run shows that the file is whole, not who made it.',
    '  Ask the controller for both keys on another way and run again with --vkey and --certificate-key.',
  ];
  return [
    '',
    'What this means',
    ...(trust.vkey === undefined || trust.certificateKey === undefined ? warning : []),
    '  This is a report of what was done and observed, signed by the controller. The entries stood in the ledger, as they',
    '  are here, when the ledger was sealed. You need not trust the operator for the integrity of what was recorded before',
    '  a checkpoint that you hold; you do trust the connected systems for what they report, and the clock.',
    '  It does not show systems that nobody declared, copies outside them before their horizon, or lawfulness.',
  ];
}
