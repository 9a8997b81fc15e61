/** Customers and orders of the demo systems: generated from a fixed seed, with all addresses under example.test, and the planted people. */
import { people, type PlantedPerson } from '../../server/src/demo-people.js';

/** Customers of the shop; id 0 is the placeholder that guest orders carry. */
export interface Customer {
  id: number;
  customer_number: string;
  first_name: string;
  last_name: string;
  email: string;
  phone: string;
  birthday: string | null;
  created_on: string;
}

/** Everything both systems are filled from. Dates are days. */
export interface DemoData {
  customers: Customer[];
  addresses: { id: number; customer_id: number; name: string; street: string; city: string; country: string }[];
  orders: { id: number; customer_id: number; email: string; placed_on: string; status: string; total: number }[];
  order_items: { id: number; order_id: number; product: string; quantity: number; price: number }[];
  invoices: {
    id: number;
    customer_id: number;
    name: string;
    street: string;
    email: string;
    phone: string;
    order_number: string;
    issued_on: string;
    total: number;
  }[];
  reviews: { id: number; customer_id: number; author: string; product: string; words: string; written_on: string }[];
  newsletter_subscribers: { id: number; customer_id: number; email: string; subscribed_on: string }[];
  gift_cards: { id: number; giver_id: number; recipient_id: number; amount: number; bought_on: string }[];
}

const SEED = 20_150;
const day = (moment: string): string => moment.slice(0, 10);

/** Generates all of it. The people are the same every time; the generator's dates end today, the planted ones are fixed. */
export async function demoData(): Promise<DemoData> {
  // Loaded here, because only the demo and the tests need them.
  const [{ faker }, { default: generate }] = await Promise.all([
    import('@faker-js/faker'),
    import('data-generator-retail'),
  ]);
  faker.seed(SEED);
  const made = generate();
  const ordering = made.customers.filter((customer) => customer.has_ordered);
  const ids = new Map(ordering.map((customer, index) => [customer.id, index + 1]));
  const product = new Map(made.products.map(({ id, reference, price }) => [id, { reference, price }]));
  const customers = ordering.map((one): Customer => {
    const id = ids.get(one.id) ?? 0;
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
  });
  const byId = new Map(customers.map((customer) => [customer.id, customer]));
  const orders = made.orders.map((one) => ({
    id: one.id + 1,
    customer_id: ids.get(one.customer_id) ?? 0,
    email: byId.get(ids.get(one.customer_id) ?? 0)?.email ?? '',
    placed_on: day(one.date),
    status: one.status,
    total: one.total,
  }));
  const data: DemoData = {
    customers: [placeholder, ...customers],
    addresses: ordering.map((one, index) => ({
      id: index + 1,
      customer_id: index + 1,
      name: `${one.first_name} ${one.last_name}`,
      street: one.address ?? '',
      city: one.city ?? '',
      country: 'DE',
    })),
    orders,
    order_items: made.orders
      .flatMap((one) => one.basket.map((line) => ({ order_id: one.id + 1, ...line })))
      .map(({ order_id, product_id, quantity }, index) => ({
        id: index + 1,
        order_id,
        product: product.get(product_id)?.reference ?? '',
        quantity,
        price: product.get(product_id)?.price ?? 0,
      })),
    invoices: orders.map((order) => {
      const customer = byId.get(order.customer_id);
      const address = ordering[order.customer_id - 1]?.address ?? '';
      return {
        id: order.id,
        customer_id: order.customer_id,
        name: customer ? `${customer.first_name} ${customer.last_name}` : '',
        street: address,
        email: order.email,
        phone: customer?.phone ?? '',
        order_number: `O-${order.id}`,
        issued_on: order.placed_on,
        total: order.total,
      };
    }),
    reviews: made.reviews.map((one) => ({
      id: one.id + 1,
      customer_id: ids.get(one.customer_id) ?? 0,
      author: byId.get(ids.get(one.customer_id) ?? 0)?.first_name ?? '',
      product: product.get(one.product_id)?.reference ?? '',
      words: one.comment.split('\n')[0] ?? '',
      written_on: day(one.date),
    })),
    newsletter_subscribers: customers
      .filter(({ id }) => id % 4 === 0)
      .map(({ id, email, created_on }, index) => ({
        id: index + 1,
        customer_id: id,
        email,
        subscribed_on: created_on,
      })),
    gift_cards: [],
  };
  plant(data);
  return data;
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

/** The near twins, and the person everything is about. Names are taken from generated customers. */
function plant(data: DemoData): void {
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
