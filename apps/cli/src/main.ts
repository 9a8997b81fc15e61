#!/usr/bin/env node
/** `lethe`: the command line of operators and engineers. */
import 'reflect-metadata';
import { processEnvironment } from '#platform';
import { runVerb } from './run-verb.js';

process.exitCode = await runVerb(process.argv.slice(2), {
  say: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  environment: processEnvironment(),
});
