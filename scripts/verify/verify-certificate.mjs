#!/usr/bin/env node
// Checks a Lethe certificate offline: node verify-certificate.mjs <certificate.json> [--vkey K] [--certificate-key K] [--witness K]
// Format and meaning: docs/certificate.md. Needs Node 20 and the files of this folder, nothing else.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { certificatePage } from './certificate-page.mjs';
import { verifyCertificate } from './check-certificate.mjs';
import { Refused, demand } from './formats.mjs';

const USAGE = 'usage: verify-certificate.mjs <certificate.json> [--vkey K] [--certificate-key K] [--witness K]';

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      vkey: { type: 'string' },
      'certificate-key': { type: 'string' },
      witness: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  demand(positionals.length === 1, USAGE);
  const bytes = readFileSync(positionals[0]);
  const text = bytes.toString('utf8');
  demand(Buffer.from(text).equals(bytes), 'the certificate is not UTF-8');
  const trust = { vkey: values.vkey, certificateKey: values['certificate-key'], witnesses: values.witness };
  process.stdout.write(certificatePage(verifyCertificate(text, trust)));
}

try {
  main();
} catch (error) {
  const expected = error instanceof Refused || typeof error?.code === 'string';
  process.stderr.write(`NOT VERIFIED: ${expected ? error.message : `the file cannot be read (${error?.name})`}\n`);
  process.exitCode = 1;
}
