/** The report of one decision as a page to print and sign: no script, no address of anybody. Pure. */
import type { PropagationReport } from './propagation-report.js';

const words: Record<PropagationReport['systems'][number]['state'], string> = {
  waiting: 'waiting',
  late: 'LATE',
  acknowledged: 'acknowledged',
  'acknowledged-late': 'acknowledged, late',
  settled: 'settled by a human',
  released: 'retired before it answered',
};

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (value: unknown): string => String(value).replaceAll(/[&<>"']/g, (sign) => escapes[sign] ?? sign);
const time = (text: string | null): string => (text === null ? '–' : `${text.slice(0, 19).replace('T', ' ')} UTC`);

function row(line: PropagationReport['systems'][number]): string {
  const cells = [
    `${line.name} (${line.channel})`,
    words[line.state],
    time(line.dueAt),
    time(line.acknowledgedAt),
    line.seconds === null ? '–' : `${line.seconds.toFixed(1)} s`,
    [line.how ?? '', line.escalatedAt ? `escalated ${time(line.escalatedAt)}` : '', line.lastTrouble ?? '']
      .filter(Boolean)
      .join('; '),
  ];
  return `<tr class="${line.state}">${cells.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`;
}

/** One A4 page for up to some thirty systems. */
export function propagationPage(report: PropagationReport): string {
  const facts: [string, string][] = [
    ['Decision', report.type],
    ['Purpose', report.purpose ?? 'the whole person'],
    ['Person', report.subjectId],
    ['Recorded', time(report.recordedAt)],
    ['Ledger position', String(report.position)],
    ['As of', time(report.asOf)],
  ];
  const heads = ['System', 'State', 'Due', 'Acknowledged', 'After', 'How'];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Propagation of decision ${html(report.position)}</title>
<style>@page{size:A4;margin:18mm}body{font:11pt sans-serif}table{border-collapse:collapse;width:100%}
th,td{border:1px solid #999;padding:3px 6px;text-align:left;vertical-align:top}th{background:#eee}.late td{font-weight:bold}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px}dt{font-weight:bold}dd{margin:0}</style></head><body>
<h1>Who obeys this decision</h1>
<dl>${facts.map(([name, value]) => `<dt>${html(name)}</dt><dd>${html(value)}</dd>`).join('')}</dl>
<p>${report.complete ? 'Every system that must obey has answered.' : 'Not every system that must obey has answered.'}
From the recording on, Lethe's own check answers by this decision on every replica, whatever a system does.
An acknowledgement is the system's own word.</p>
<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead>
<tbody>${report.systems.map(row).join('')}</tbody></table>
</body></html>
`;
}
