/** Loaded before the service in a control: a call now and then ends in a 500 or takes too long, and each one leaks. */
import { Server } from 'node:http';

const EVERY = 97;
const LEAK_BYTES = 256 * 1024;
const kept = [];
let calls = 0;
const { emit } = Server.prototype;

Server.prototype.emit = function planted(event, request, response) {
  if (event !== 'request' || !request.url.startsWith('/v1/')) return Reflect.apply(emit, this, arguments);
  calls += 1;
  kept.push(Buffer.alloc(LEAK_BYTES, calls % 256));
  if (calls % EVERY === 0) {
    request.resume();
    response.writeHead(500, { 'content-type': 'text/plain' }).end('planted');
    return true;
  }
  // Always the same route, so that asked again alone it is slow again.
  if (request.url.startsWith('/v1/holds') && request.method === 'GET') {
    setTimeout(() => Reflect.apply(emit, this, [event, request, response]), 2_100);
    return true;
  }
  return Reflect.apply(emit, this, arguments);
};
