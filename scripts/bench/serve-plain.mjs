// The limit of the check row: a route of Nest on Fastify with nothing around it, which takes the same body and answers a constant.
import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { answer } from './processes.mjs';

const constant = {
  decision: 'permit',
  reason: 'consent-given',
  basis: 'consent',
  state: 'given',
  since: '2026-01-01T10:00:00.000Z',
  validUntil: '2028-01-01T10:00:00.000Z',
  token: '01234567-89ab-cdef-0123-456789abcdef.1.10000',
};

class PlainController {
  answer(body) {
    return body.purpose === 'newsletter' ? constant : null;
  }
}
const method = Object.getOwnPropertyDescriptor(PlainController.prototype, 'answer');
Body()(PlainController.prototype, 'answer', 0);
Post('plain')(PlainController.prototype, 'answer', method);
HttpCode(200)(PlainController.prototype, 'answer', method);
Controller()(PlainController);

class PlainModule {}
Module({ controllers: [PlainController] })(PlainModule);

let app;
answer(
  {
    async start() {
      app = await NestFactory.create(PlainModule, new FastifyAdapter({ logger: false }), { logger: false });
      await app.listen(0, '127.0.0.1');
      return { port: Number(new URL(await app.getUrl()).port) };
    },
  },
  () => app.close(),
);
