/** The planted people of the demo systems: one who is forgotten, and those who resemble them and must never be touched. */
import { people, type PlantedPerson } from '../../server/src/demo-people.js';
import type { Customer, DemoData } from './demo-rows.js';

/** Adds the near twins, and the person everything is about. Names are taken from generated customers. */
export function plant(data: DemoData): void {
  const { main, sameName, samePhone, household, guestEmail } = people;
  const [, first, second, third] = data.customers;
  if (!first || !second || !third) throw new Error('the generator made no customers');
  const add = (who: PlantedPerson, name: Pick<Customer, 'first_name' | 'last_name'>): void => {
    const { customerId: id, customerNumber: customer_number, email, phone } = who;
    const { first_name, last_name } = name;
    data.customers.push({
      id,
      customer_number,
      first_name,
      last_name,
      email,
      phone,
      birthday: '1990-05-17',
      created_on: '2015-02-01',
    });
    const label = `${first_name} ${last_name}`;
    data.addresses.push({ id, customer_id: id, name: label, street: '1 Lake Road', city: 'Berlin', country: 'DE' });
    data.newsletter_subscribers.push({ id, customer_id: id, email, subscribed_on: '2021-04-01' });
    buy(data, who, label, email, ['2015-03-12', '2024-06-03', '2025-11-20']);
    const words = 'Arrived in time.';
    data.reviews.push({
      id: 10_000 + id,
      customer_id: id,
      author: label,
      product: 'Lake',
      words,
      written_on: '2024-07-01',
    });
  };
  for (const { id, first_name: author } of [first, second, third])
    data.reviews.push({
      id: 20_000 + id,
      customer_id: id,
      author,
      product: 'Lake',
      words: 'Seen it for years, still like it.',
      written_on: '2019-05-01',
    });
  add(main, first);
  add(sameName, first);
  add(samePhone, second);
  for (const one of household) add(one, third);
  guest(data, 90_001, main.warehouseEmail);
  guest(data, 90_002, guestEmail);
  guest(data, 90_003, '');
  guest(data, 90_004, household[0].email);
  const gift = (id: number, giver_id: number, recipient_id: number): number =>
    data.gift_cards.push({ id, giver_id, recipient_id, amount: 25, bought_on: '2023-12-01' });
  gift(1, main.customerId, samePhone.customerId);
  gift(2, sameName.customerId, main.customerId);
  gift(3, sameName.customerId, samePhone.customerId);
}

/** One order with two lines and its invoice a date; the oldest lies beyond the eight years of § 147 AO. */
function buy(data: DemoData, { customerId, phone }: PlantedPerson, name: string, email: string, dates: string[]): void {
  for (const [index, date] of dates.entries()) {
    const id = customerId * 10 + index;
    const total = 40 + index;
    data.orders.push({ id, customer_id: customerId, email, placed_on: date, status: 'delivered', total });
    lines(data, id);
    data.invoices.push({
      id,
      customer_id: customerId,
      name,
      street: '1 Lake Road',
      email,
      phone,
      order_number: `O-${id}`,
      issued_on: date,
      total,
    });
  }
}

function guest(data: DemoData, id: number, email: string): void {
  data.orders.push({ id, customer_id: 0, email, placed_on: '2025-12-02', status: 'delivered', total: 15 });
  lines(data, id);
}

function lines(data: DemoData, order_id: number): void {
  for (const [index, product] of ['Lake at Dawn', 'Lake at Dusk'].entries())
    data.order_items.push({ id: order_id * 10 + index, order_id, product, quantity: 1, price: 20 });
}
