/** `lethe demo`: tells the story over HTTP, once; a later start says where its results are. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LetheProblem } from '@lethe/client';
import { readConfig } from '#platform';
import { demoFilePath, readDemoFile } from '../../server/src/demo-file.js';
import { Story } from './story.js';
import { tellAccess } from './story-access.js';
import { tellAccessLog } from './story-access-log.js';
import { tellConsent } from './story-consent.js';
import { tellErasure } from './story-erasure.js';
import { tellRetention } from './story-retention.js';
import { tellSystems } from './story-systems.js';
import { tellVerification } from './story-verify.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

export const demoVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({
    args,
    options: { 'from-start': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    terminal.say("Usage: lethe demo; tells the story to the service that 'npm start' runs, where it was left off");
    return 0;
  }
  const config = readConfig(terminal.environment);
  const demo = await readDemoFile(config.dataDir);
  if (!demo) throw new Usage("there is no demo here. Run 'npm start' first, without DATABASE_URL.");
  const story = new Story(demo, join(config.dataDir, 'demo'), terminal);
  const again = story.recall<boolean>('finished') === true;
  if (!again && !(await tellAll(story, config.dataDir, terminal))) return 1;
  pointOut(story, config.dataDir, terminal, again);
  return 0;
};

type Chapter = [title: string, tell: () => Promise<unknown>];

/** False when a chapter failed; the service stays up, and the next start goes on from there. */
async function tellAll(story: Story, dataDir: string, terminal: Terminal): Promise<boolean> {
  const chapters: Chapter[] = [
    ['A consent is recorded, checked and withdrawn', () => tellConsent(story)],
    ['An access is reported, judged and proved', () => tellAccessLog(story)],
    ['Two systems are connected, a third is named', () => tellSystems(story, dataDir)],
    ['How long records are kept', () => tellRetention(story, story.recall<string>('shop') ?? '')],
    ['A person asks what is known about them', () => tellAccess(story)],
    ['The same person asks to be forgotten', () => tellErasure(story)],
    ['An auditor checks it', () => tellVerification(story, story.recall<string>('erasure') ?? '', terminal)],
  ];
  terminal.say('');
  terminal.say('One person, two systems, and what becomes of the data in them');
  for (const [index, [title, tell]] of chapters.entries()) {
    terminal.say('');
    terminal.say(`${index + 1}. ${title}`);
    const before = story.acts;
    try {
      await tell();
      if (story.acts === before) terminal.say('   (told at an earlier start)');
    } catch (error) {
      terminal.complain(`   This chapter failed: ${reasonOf(error)}`);
      terminal.complain('   The service stays up. Stop it and run npm start again to go on from here.');
      return false;
    }
  }
  await story.once('finished', () => Promise.resolve(true));
  return true;
}

function reasonOf(error: unknown): string {
  if (error instanceof LetheProblem) return `${error.status} ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** Where to look. Keys stay in their file, and in the log of a build machine not even one is shown. */
function pointOut(story: Story, dataDir: string, terminal: Terminal, again: boolean): void {
  const { baseUrl, keys } = story.demo;
  const lines = [
    again ? 'The story was told at an earlier start; its documents are kept.' : 'The story is told. What it left:',
    `documents  ${story.out}`,
    `keys       ${demoFilePath(dataDir)} (admin, officer, officer2, archivist, auditor, system; valid 7 days)`,
    `API        ${baseUrl}/docs, ${baseUrl}/openapi.json`,
  ];
  terminal.say('');
  for (const line of lines) terminal.say(line);
  if (terminal.environment['CI'] === undefined)
    terminal.say(`try        curl -s ${baseUrl}/v1/whoami -H 'authorization: Bearer ${keys.officer}'`);
  terminal.say('Ctrl-C stops everything; the next npm start finds it all again.');
}
