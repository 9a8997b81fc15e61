/** Which spellings of a telephone number are one number, which may be, and which are somebody else's. */
import { describe, expect, it } from '@jest/globals';
import { foldPhone, nationalPhonesSchema, phoneForms } from './phone-numbers.js';

const german = nationalPhonesSchema.parse({ callingCode: '49' });
const italian = nationalPhonesSchema.parse({ callingCode: '39', trunkPrefix: '' });
const american = nationalPhonesSchema.parse({ callingCode: '1', trunkPrefix: '1' });

describe('a telephone number', () => {
  it.each(['+49 30 100200', '0049 (30) 100-200', '+49 (0)30 / 100200', 'tel:+49-30-100200', '＋49 30 100200'])(
    'that names its country is one number wherever it stands: %s',
    (value) => {
      expect([foldPhone(value), foldPhone(value, italian)]).toEqual(Array(2).fill('+4930100200'));
    },
  );

  it.each([
    ['030 100200', undefined, '030100200'],
    ['030 100200', german, '+4930100200'],
    ['06 1234 5678', italian, '+390612345678'],
    ['(212) 555-0100', american, '2125550100'],
    ['1 212 555 0100', american, '+12125550100'],
    ['4930100200', german, '+4930100200'],
    ['4930100200', undefined, '4930100200'],
    ['4330100200', german, '4330100200'],
    ['none', german, ''],
  ])('%s where %j is written is %s', (value, national, folded) => {
    expect(foldPhone(value, national)).toBe(folded);
  });

  it.each([
    ['+4930100200', undefined, ['030100200', '30100200', '49030100200']],
    ['+4930100200', german, ['030100200', '30100200']],
    ['+12125550100', american, ['12125550100', '2125550100']],
    ['+390612345678', italian, ['0612345678']],
    ['+3725550100', undefined, ['05550100', '5550100']],
  ])('%s is looked for (%j) under %j too', (value, national, forms) => {
    expect(phoneForms(value, national)).toEqual(
      expect.arrayContaining([value.slice(1), `00${value.slice(1)}`, ...forms]),
    );
  });

  it('of another country is not looked for among the national ones', () => {
    expect(phoneForms('+4330100200', german)).toEqual(['4330100200', '004330100200', '43030100200']);
    expect(phoneForms('030 100200', german)).toEqual(['030100200']);
    expect(phoneForms('n/a')).toEqual([]);
  });
});
