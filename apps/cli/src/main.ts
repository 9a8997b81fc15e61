#!/usr/bin/env node
/** `lethe`: the command line of operators and engineers. */
import '../../server/src/no-inspector.js';
import 'reflect-metadata';
import { processEnvironment } from '#platform';
import { runVerb } from './run-verb.js';

// `lethe … | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runVerb(process.argv.slice(2), {
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  environment: processEnvironment(),
});
