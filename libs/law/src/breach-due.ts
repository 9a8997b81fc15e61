/** The breach clock: hours, not days, so weekends and holidays do not stop it. */

/** GDPR article 33(1): 72 hours from awareness. Regulation 1182/71 article 3(4) rolls only periods not in hours. */
export const BREACH_NOTICE = {
  id: 'eu-gdpr/breach',
  hours: 72,
  citation: 'GDPR art. 33(1)',
  source: 'Regulation (EU) 2016/679 article 33(1); Regulation 1182/71 article 3(4)',
  confidence: 'V',
} as const;

/** The instant by which the supervisory authority must be told, from the instant of awareness. */
export function breachDue(awareAt: Date): Date {
  return new Date(awareAt.getTime() + BREACH_NOTICE.hours * 3_600_000);
}
