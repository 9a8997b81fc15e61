/** Customers and orders of the demo systems: generated from a fixed seed, with all addresses under example.test, and the planted people. */
import type * as Retail from 'data-generator-retail';
import { plant } from './demo-plants.js';
import type { Customer, DemoData } from './demo-rows.js';

const SEED = 20_150;
const day = (moment: string): string => moment.slice(0, 10);

type Made = ReturnType<typeof Retail.default>;

/** Customers who ordered, under numbers of our own from 1 on. */
class Known {
  readonly ordering: Made['customers'];
  readonly customers: Customer[];
  private readonly ids: Map<number, number>;

  constructor(made: Made) {
    this.ordering = made.customers.filter((customer) => customer.has_ordered);
    this.ids = new Map(this.ordering.map((customer, index) => [customer.id, index + 1]));
    this.customers = this.ordering.map((one, index) => customerOf(one, index + 1));
  }

  id(theirs: number): number {
    return this.ids.get(theirs) ?? 0;
  }

  customer(id: number): Customer | undefined {
    return this.customers[id - 1];
  }

  street(id: number): string {
    return this.ordering[id - 1]?.address ?? '';
  }
}

/** Generates all of it. The people are the same every time; the generator's dates end today, the planted ones are fixed. */
export async function demoData(): Promise<DemoData> {
  // Loaded here, because only the demo and the tests need them.
  const [{ faker }, { default: generate }] = await Promise.all([
    import('@faker-js/faker'),
    import('data-generator-retail'),
  ]);
  faker.seed(SEED);
  const made = generate();
  const known = new Known(made);
  const orders = ordersOf(made, known);
  const data: DemoData = {
    customers: [placeholder, ...known.customers],
    addresses: addressesOf(known),
    orders,
    order_items: itemsOf(made),
    invoices: invoicesOf(orders, known),
    reviews: reviewsOf(made, known),
    newsletter_subscribers: subscribersOf(known),
    gift_cards: [],
  };
  plant(data);
  return data;
}

function customerOf(one: Made['customers'][number], id: number): Customer {
  const local = `${one.first_name}.${one.last_name}.${id}`.toLowerCase().replace(/[^a-z0-9.]/g, '');
  return {
    id,
    customer_number: `K-${id}`,
    first_name: one.first_name,
    last_name: one.last_name,
    email: `${local}@example.test`,
    phone: `+49 40 ${String(7_000_000 + id * 37)}`,
    birthday: one.birthday === null ? null : day(one.birthday),
    created_on: day(one.first_seen),
  };
}

function addressesOf({ ordering }: Known): DemoData['addresses'] {
  return ordering.map((one, index) => ({
    id: index + 1,
    customer_id: index + 1,
    name: `${one.first_name} ${one.last_name}`,
    street: one.address ?? '',
    city: one.city ?? '',
    country: 'DE',
  }));
}

function ordersOf(made: Made, known: Known): DemoData['orders'] {
  return made.orders.map((one) => ({
    id: one.id + 1,
    customer_id: known.id(one.customer_id),
    email: known.customer(known.id(one.customer_id))?.email ?? '',
    placed_on: day(one.date),
    status: one.status,
    total: one.total,
  }));
}

function itemsOf(made: Made): DemoData['order_items'] {
  const products = new Map(made.products.map((product) => [product.id, product]));
  const lines = made.orders.flatMap((one) => one.basket.map((line) => ({ order_id: one.id + 1, ...line })));
  return lines.map(({ order_id, product_id, quantity }, index) => ({
    id: index + 1,
    order_id,
    product: products.get(product_id)?.reference ?? '',
    quantity,
    price: products.get(product_id)?.price ?? 0,
  }));
}

function invoicesOf(orders: DemoData['orders'], known: Known): DemoData['invoices'] {
  return orders.map(({ id, customer_id, email, placed_on, total }) => {
    const customer = known.customer(customer_id);
    return {
      id,
      customer_id,
      name: customer ? `${customer.first_name} ${customer.last_name}` : '',
      street: known.street(customer_id),
      email,
      phone: customer?.phone ?? '',
      order_number: `O-${id}`,
      issued_on: placed_on,
      total,
    };
  });
}

function reviewsOf(made: Made, known: Known): DemoData['reviews'] {
  return made.reviews.map((one) => ({
    id: one.id + 1,
    customer_id: known.id(one.customer_id),
    author: known.customer(known.id(one.customer_id))?.first_name ?? '',
    product: made.products[one.product_id]?.reference ?? '',
    words: one.comment.split('\n')[0] ?? '',
    written_on: day(one.date),
  }));
}

function subscribersOf({ customers }: Known): DemoData['newsletter_subscribers'] {
  const some = customers.filter(({ id }) => id % 4 === 0);
  return some.map(({ id, email, created_on }, index) => ({
    id: index + 1,
    customer_id: id,
    email,
    subscribed_on: created_on,
  }));
}

const placeholder: Customer = {
  id: 0,
  customer_number: '0',
  first_name: 'guest',
  last_name: '',
  email: '',
  phone: '',
  birthday: null,
  created_on: '2015-01-01',
};
