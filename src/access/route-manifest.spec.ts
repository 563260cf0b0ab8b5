import { Body, Controller, Get, Module, Post, Query } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/internal';
import { z } from 'zod';
import { assertSchemas } from './route-manifest.js';

const schema = z.strictObject({});

test('a body or query without a schema is refused, by name, and one with a schema is not', () => {
  @Controller('good')
  class Good {
    @Get()
    list(@Query({ schema }) _query: object) {}
    @Post()
    make(@Body({ schema }) _body: object) {}
  }
  @Controller('bad')
  class Bad {
    @Get()
    list(@Query() _query: object) {}
    @Post()
    make(@Body() _body: object, @Query({ schema }) _query: object) {}
  }
  @Module({ controllers: [Good] })
  class Checked {}
  @Module({ imports: [Checked], controllers: [Bad] })
  class Unchecked {}
  expect(() => assertSchemas(Checked)).not.toThrow();
  expect(() => assertSchemas(Unchecked)).toThrow(/^A body or query has no schema: Bad\.list, Bad\.make$/);
});

test.each(['3', '4'])('the key of a parameter decorator of our own may begin with %s', (digit) => {
  @Controller('own')
  class Own {
    @Get()
    list(_own: object) {}
  }
  @Module({ controllers: [Own] })
  class Root {}
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, { [`${digit}f0__customRouteArgs__:0`]: { index: 0 } }, Own, 'list');
  expect(() => assertSchemas(Root)).not.toThrow();
});
