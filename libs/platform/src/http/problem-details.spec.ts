/** What a fault becomes outside: a stable code, whether to come again, and nothing of what it says. */
import { describe, expect, it } from '@jest/globals';
import { DomainError } from '#kernel';
import { KeyUnavailable } from '../keys/key-provider.js';
import { problemOf, toDomainError } from './problem-details.js';

describe('a problem document', () => {
  it('keeps its members whatever an extension is called', () => {
    const extra = { status: 'identifying', code: 'mine', type: 'erasure', requestStatus: 'identifying' };
    expect(problemOf(new DomainError(409, 'request-not-ready', { detail: 'Wait.', extra }), 'r')).toMatchObject({
      ...{ type: 'urn:lethe:problem:request-not-ready', code: 'request-not-ready', status: 409 },
      requestStatus: 'identifying',
    });
  });
});

describe('a key that cannot be used', () => {
  it('is an outage that the operator ends, not a fault of the call', () => {
    const error = toDomainError(new KeyUnavailable('missing', 'Key mac-lookup-2 is missing. Restore it.'));
    const problem = problemOf(error, 'r');
    expect(problem).toMatchObject({ status: 503, code: 'key-unavailable', retryable: true });
    expect(error.details.retryAfter).toBeGreaterThan(0);
    expect(JSON.stringify(problem)).not.toContain('mac-lookup');
  });

  it('(control) what nobody expected is 500 without its words', () => {
    const problem = problemOf(toDomainError(new Error('duplicate key value ada@example.test')), 'r');
    expect(problem).toMatchObject({ status: 500, code: 'internal', retryable: false });
    expect(JSON.stringify(problem)).not.toContain('ada');
  });
});
