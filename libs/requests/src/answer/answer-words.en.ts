/** English. Plain words for a reader who is no lawyer; the citation stands beside them. */
import type { AnswerWords } from './answer-words.js';

const layers: Record<string, string> = {
  backup: 'backups',
  history: 'change history',
  'time-travel': 'recoverable earlier versions',
  log: 'technical logs',
};

export const english: AnswerWords = {
  language: 'en',
  right: {
    access: 'access to your data',
    erasure: 'erasure of your data',
    objection: 'objection to the use of your data',
    withdrawal: 'withdrawal of your consent',
  },
  subject: {
    acknowledgement: (right) => `We have received your request: ${right}`,
    identity: (right) => `We need to know that it is you: ${right}`,
    extension: (right) => `We need more time: ${right}`,
    refusal: (right) => `We cannot do what you asked: ${right}`,
    partial: (right) => `What we did and what we must keep: ${right}`,
    completion: (right) => `Your request is done: ${right}`,
    withdrawn: (right) => `You withdrew your request: ${right}`,
    code: 'Your code',
  },
  greeting: 'Hello,',
  closing: 'If something here is unclear, answer this letter and name the reference. A person reads it.',
  reference: (requestId) => `Reference: ${requestId}`,
  outcome: {
    erased: 'erased',
    anonymised: 'made anonymous',
    masked: 'masked, so that it no longer shows who you are',
    rectified: 'corrected',
    detached: 'separated from you; the rest concerns somebody else too',
    'not-found': 'searched, nothing found',
    provided: 'copied into your package',
    retained: 'kept and locked',
    restricted: 'kept and locked',
    'soft-deleted': 'hidden, but not erased',
    'refused-by-system': 'the system refused',
    unsupported: 'the system cannot do it',
    failed: 'not done',
    pending: 'not finished',
    reported: 'done by hand, as the responsible person reports',
  },
  reason: {
    'legal-duty': 'a law requires us to keep it',
    hold: 'needed for a legal claim or proceeding',
    'evidence-duty': 'we must be able to prove what we did with your data',
    'evidence-restricted':
      'we must be able to prove what we did with your data; they are restricted and used for nothing else',
    'contract-running': 'a contract with you is still running',
    'kept-by-table-map': 'kept by a decision of the privacy office',
    'stripped-by-table-map': 'kept without the fields that point to you',
    restricted: 'you or a claim need the data kept',
    'refused-by-system': 'the system refused',
    'retention-ended': 'the time we had to keep it is over',
    'manual-task': 'done by hand',
    'accepted-undone': 'could not be done',
    'no-outcome': 'the system gave no answer',
  },
  column: { system: 'System', data: 'Data', what: 'What happened', count: 'Records', why: 'Why', until: 'Until' },
  received: (right, on, dueOn) => `On ${on} we received your request: ${right}. You will have our answer by ${dueOn}.`,
  acknowledged:
    'You need not do anything now. If we have to ask something, for example whether it is really you, we will.',
  identityNeeded:
    'Before we hand over or erase anything we must be sure that the data are yours, so that nobody else can ask in your name. We have a reasonable doubt at present.',
  identityHow:
    'Use the code that we send to an address we already have on file, or answer from that address. Please do not send a copy of an identity card.',
  code: (code, expiresAt) =>
    `Your code is ${code}. It is valid until ${expiresAt} (UTC) and can be used once. It shows that you can read this mailbox, nothing more.`,
  codeNotYou:
    'If you did not ask for this, do nothing: without the code nothing happens. You may tell us by answering.',
  extended: (reason, dueOn) =>
    `We cannot answer within the first period, because ${reason}. You will have our answer by ${dueOn}.`,
  extensionReason: {
    complexity: 'your request is complex',
    'number-of-requests': 'we have a large number of requests',
    necessary: 'more time is reasonably necessary',
  },
  refused: (right) => `You asked for this: ${right}. We will not do it.`,
  refusedBecause: (reason) => `The reason: ${reason}`,
  cannotIdentify:
    'We could not make sure that the data are yours, and we must not hand over or erase the data of somebody else. You can send us a further detail that we may already have on file.',
  forwarded:
    'The data you ask about are not ours to decide about. We have passed your request on to the company that decides about them.',
  erasedAll: 'Your data are erased in every system we searched. This is what happened, system by system.',
  erasedPart:
    'We erased what we may erase. Some data must stay for a time; they are locked and used for nothing but the reason named. In that part this letter is a partial refusal.',
  notAll: 'We could not do everything you asked. What was not done is named below.',
  stopped: 'From now on we do not use your data for what you objected to or took back. No proof was needed.',
  doneHeading: 'What was done',
  keptHeading: 'What stays, why, and until when',
  keptMeaning: 'When the day has passed, the data are erased without you asking again.',
  openHeading: 'What was not done',
  untilUnknown: 'no fixed day; checked again regularly',
  recipientsHeading: 'Who had your data and was told',
  recipient: (name, legalEntity, country, how) => {
    const told = {
      connected: 'the erasure was carried out there directly',
      'by-hand': 'told by us',
      'not-told': 'not yet told',
    }[how];
    return `${name}${legalEntity === '' ? '' : ` (${legalEntity}${country === '' ? '' : `, ${country}`})`}: ${told}`;
  },
  copiesHeading: 'Copies that outlive the erasure',
  copy: (system, layer, until) =>
    `${system}: ${layers[layer] ?? layer}, ${until === null ? 'no end is known to us' : `until ${until}`}`,
  copiesMeaning:
    'Such copies are not used. If one is ever restored, your data are erased from it again before it is used.',
  suppressed: (until) =>
    `To keep old data about you from coming back, we hold an unreadable mark of your identifiers${until === null ? '' : ` until ${until}`}. It serves nothing else.`,
  manualHeading: 'Systems that we cannot search automatically',
  manual: (name, outcome, why) =>
    `${name}: ${{ done: 'done by hand', 'nothing-found': 'searched by hand, nothing found', open: `not searched (${why})` }[outcome]}`,
  more: (count) => `and ${count} more rows; the certificate lists all`,
  packageReady: (until) => `Your package is ready and can be collected until ${until} (UTC). After that it is deleted.`,
  packageHow:
    'Because it holds all your data we do not attach it. Answer this letter, and we hand it to you over a channel on which we know that it is you.',
  packageContents:
    'It holds every record found in the systems we searched, as JSON, CSV and readable pages, the information of article 15 GDPR, your consents, your requests, and when and for what your data were accessed. Systems that were not searched are named in it.',
  withdrawn: 'You told us that you withdraw your request. We have stopped.',
  withdrawnAlready: 'Some of it was already done and cannot be undone; the list shows what.',
  remedyHeading: 'If you disagree',
  authority: (name, website) => `The authority for us is ${name}, ${website}.`,
};
