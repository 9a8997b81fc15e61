/** The planted people of the demo systems, by what they are known under. Everybody's address is under example.test. */

/** How a planted person is known. `customerNumber` links the shop to the warehouse. */
export interface PlantedPerson {
  email: string;
  customerId: number;
  customerNumber: string;
  phone: string;
}

const planted = (customerId: number, email: string, phone: string): PlantedPerson => ({
  email,
  customerId,
  customerNumber: `K-${customerId}`,
  phone,
});

/** `main` is the person of every request; the others resemble them, each in another way, and must never be touched. */
export const people = {
  main: { ...planted(2001, 'ada@example.test', '+49 30 5550 101'), warehouseEmail: 'ada.at.work@example.test' },
  /** Bears the same name. */
  sameName: planted(2002, 'ada.the.other@example.test', '+49 30 5550 102'),
  /** Shares the telephone. */
  samePhone: planted(2003, 'flatmate@example.test', '+49 30 5550 101'),
  /** Two people with one e-mail address. */
  household: [
    planted(2004, 'household@example.test', '+49 30 5550 104'),
    planted(2005, 'household@example.test', '+49 30 5550 105'),
  ],
  /** Ordered as guests, customer number 0: one more of `main`, the others of strangers. */
  guestEmail: 'passer.by@example.test',
} as const;

/** Those a newcomer may try requests with; the first one's story has been told. */
export const demoPeople: readonly { email: string }[] = [
  { email: people.main.email },
  { email: people.sameName.email },
  { email: people.samePhone.email },
];
