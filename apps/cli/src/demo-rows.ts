/** The rows both demo systems are filled from. */

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
