// The checks of a certificate (docs/certificate.md), without input or output. Shares no code with the service, on purpose.
import { createHash } from 'node:crypto';
import { base64, canonicalJson, demand, strictJson } from './formats.mjs';
import { ed25519Verify, leafHash, openCheckpoint, readProofFile, readVkey, rootFromInclusion } from './log-checks.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** A member that must be there, of this type. */
function member(object, name, type, where) {
  const value = object?.[name];
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  demand(found === type, `${where}.${name} is missing or no ${type}`);
  return value;
}

function only(object, names, where) {
  demand(object !== null && typeof object === 'object' && !Array.isArray(object), `${where} is no object`);
  for (const name of Object.keys(object)) demand(names.includes(name), `${where} has a member that nothing signs`);
}

/** The signature over the canonical body; the members outside the body are few and all checked. */
function checkSignature(certificate, pinned) {
  const { signature, body } = certificate;
  only(signature, ['alg', 'keyId', 'publicKey', 'value'], 'signature');
  demand(signature.alg === 'Ed25519', 'the signature is not Ed25519');
  const publicKey = base64(signature.publicKey, 'the certificate key');
  demand(publicKey.length === 32, 'the certificate key has the wrong size');
  const keyId = sha256(publicKey).toString('hex').slice(0, 16);
  demand(signature.keyId === keyId, 'the key id of the certificate does not fit its key');
  demand(
    pinned === undefined || pinned === signature.publicKey,
    'the certificate is signed with another key than yours; verify-log.mjs shows the keys that the log has recorded since',
  );
  const bytes = Buffer.from(canonicalJson(body));
  const good = ed25519Verify(publicKey, bytes, base64(signature.value, 'the signature'));
  demand(good, 'the signature does not fit the body: the certificate was changed, or another key signed it');
  return { keyId, bodySha256: sha256(bytes).toString('base64') };
}

function checkBody(body) {
  for (const name of ['certificateId', 'tenant', 'requestId', 'type', 'status', 'issuedAt']) {
    demand(member(body, name, 'string', 'body') !== '', `body.${name} is empty`);
  }
  for (const target of member(body, 'targets', 'array', 'body')) {
    member(target, 'connectionId', 'string', 'a target');
    for (const outcome of member(target, 'outcomes', 'array', 'a target')) checkOutcome(body.status, outcome);
  }
  const ledger = member(body, 'ledger', 'object', 'body');
  member(ledger, 'origin', 'string', 'body.ledger');
  demand(member(ledger, 'entries', 'array', 'body.ledger').length > 0, 'the certificate names no ledger entry');
}

/** A certificate that says more than its own rows is refused, however well it is signed. */
function checkOutcome(status, outcome) {
  member(outcome, 'dataset', 'string', 'an outcome');
  const kind = member(outcome, 'kind', 'string', 'an outcome');
  const open = kind === 'failed' || kind === 'pending';
  demand(!(status.startsWith('fulfilled') && open), `the certificate says ${status}, but a dataset is ${kind}`);
  demand(!(status === 'fulfilled' && kind === 'retained'), 'the certificate says fulfilled, but a dataset is retained');
}

/** Leaf hash, path, root, signature of the log; then that the entry speaks of this request. */
function checkProof(proof, body, logKey, witnesses) {
  only(proof, ['position', 'bytes', 'tlogProof'], 'a proof');
  const where = `entry ${JSON.stringify(proof.position)}`;
  const bytes = base64(proof.bytes, `${where}: its bytes`);
  const file = readProofFile(proof.tlogProof);
  demand(file.index === proof.position, `${where}: the proof is for another position`);
  const checkpoint = openCheckpoint(file.checkpoint, logKey, witnesses);
  for (const witness of witnesses) {
    const stands = checkpoint.countersigned.some(({ key }) => key === witness);
    demand(stands, `${where}: the witness ${witness.name} has not countersigned its seal`);
  }
  demand(file.index < checkpoint.size, `${where}: it is beyond the checkpoint`);
  const hash = leafHash(bytes);
  const root = rootFromInclusion(hash, file.index, checkpoint.size, file.hashes);
  demand(root.equals(checkpoint.root), `${where}: it is not under the signed root; bytes or proof were changed`);
  const text = bytes.toString('utf8');
  demand(Buffer.from(text).equals(bytes), `${where}: its bytes are not text`);
  const leaf = strictJson(text, where);
  demand(canonicalJson(leaf) === text, `${where}: its bytes are not canonical JSON`);
  demand(leaf.tenant === body.tenant, `${where}: it belongs to another tenant`);
  const named = leaf.stream === `request/${body.requestId}` || leaf.data?.requestId === body.requestId;
  demand(named, `${where}: it does not name this request`);
  return { position: file.index, leaf, leafHash: hash.toString('base64'), checkpoint };
}

/** Every entry the body lists is proved once; what the body does not list can only be the sealing of this certificate. */
function matchEntries(body, proved, bodySha256) {
  const listed = new Map(body.ledger.entries.map((entry) => [entry?.position, entry]));
  demand(listed.size === body.ledger.entries.length, 'the certificate lists a ledger entry twice');
  const seen = new Set();
  let sealedAt;
  for (const { position, leaf, leafHash: hash } of proved) {
    demand(!seen.has(position), `entry ${position} is proved twice`);
    seen.add(position);
    const entry = listed.get(position);
    if (entry === undefined) {
      const seals = leaf.type === 'CertificateIssued.v1' && leaf.data?.bodySha256 === bodySha256;
      demand(seals, `entry ${position} is not one that the certificate lists`);
      sealedAt = { position, recordedAt: leaf.recordedAt };
    } else {
      demand(entry.leafHash === hash, `entry ${position} is another one than the certificate lists`);
      demand(entry.type === leaf.type, `entry ${position} is of another type than the certificate says`);
    }
  }
  for (const position of listed.keys()) demand(seen.has(position), `the proof of entry ${position} is missing`);
  return sealedAt;
}

/** All checks of one certificate text; throws Refused, or returns what the page shows. */
export function verifyCertificate(text, trust) {
  const certificate = strictJson(text, 'the certificate');
  only(certificate, ['format', 'body', 'signature', 'proofs', 'logKey'], 'the certificate');
  demand(certificate.format === 'lethe-certificate/1', 'the file is not a lethe-certificate/1');
  const { keyId, bodySha256 } = checkSignature(certificate, trust.certificateKey);
  const { body } = certificate;
  checkBody(body);
  const logKeyText = member(certificate, 'logKey', 'string', 'the certificate');
  demand(
    trust.vkey === undefined || trust.vkey === logKeyText,
    'the log key in the certificate is not the one you hold; verify-log.mjs shows by which keys it was replaced',
  );
  const logKey = readVkey(logKeyText);
  demand(logKey.type === 1 && logKey.name === body.ledger.origin, 'the log key is not of the log in the certificate');
  const witnesses = trust.witnesses.map(readVkey);
  const proofs = member(certificate, 'proofs', 'array', 'the certificate');
  const proved = proofs.map((proof) => checkProof(proof, body, logKey, witnesses));
  const sealedAt = matchEntries(body, proved, bodySha256);
  return { body, keyId, logKeyText, proved, sealedAt, bodySha256, trust };
}
