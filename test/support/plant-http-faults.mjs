/** Loaded before the service in a control: calls end in a 500, are cut, shed without reason or wrongly, or take too long; each one leaks. */
import { Server } from 'node:http';

const LEAK_BYTES = 256 * 1024;
const kept = [];
let calls = 0;
const { emit } = Server.prototype;

const shed = (response, type) =>
  response
    .writeHead(503, { 'content-type': type, 'retry-after': '0' })
    .end(JSON.stringify({ status: 503, code: 'planted' }));

/** The fault of the n-th call, where it has one. */
function faultOf(n, { url }) {
  if (n % 97 === 0) return (response) => response.writeHead(500, { 'content-type': 'text/plain' }).end('planted');
  if (n % 89 === 0) return (response) => response.socket.destroy();
  if (n % 83 === 0) return (response) => shed(response, 'text/plain');
  if (url.startsWith('/v1/retention/policies')) return (response) => shed(response, 'application/problem+json');
  return undefined;
}

Server.prototype.emit = function planted(event, request, response) {
  if (event !== 'request' || !request.url.startsWith('/v1/')) return Reflect.apply(emit, this, arguments);
  calls += 1;
  kept.push(Buffer.alloc(LEAK_BYTES, calls % 256));
  // Always the same route, so that asked again alone it is slow again.
  if (request.url.startsWith('/v1/holds') && request.method === 'GET') {
    setTimeout(() => Reflect.apply(emit, this, [event, request, response]), 2_100);
    return true;
  }
  const fault = faultOf(calls, request);
  if (fault) {
    request.resume();
    fault(response);
    return true;
  }
  return Reflect.apply(emit, this, arguments);
};
