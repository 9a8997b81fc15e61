"""Fills an empty Tryton database with a company, a product, an API user and people with near twins, through Tryton's own code.

Called by tryton.mjs as: tryton.seed.py <database> <configuration file> <file with the API user's login and password>.
"""
import datetime
import json
import sys
from decimal import Decimal

from proteus import Model, Wizard
from proteus import config as proteus_config

database, configuration, account_file = sys.argv[1:4]
proteus_config.set_trytond(database, user='admin', config_file=configuration)

from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts  # noqa: E402
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences  # noqa: E402
from trytond.modules.company.tests.tools import create_company  # noqa: E402
from trytond.modules.currency.tests.tools import get_currency  # noqa: E402

TODAY = datetime.date.today()
Party = Model.get('party.party')


def set_up_books():
    """Company, chart of accounts, fiscal year, cash, and a service that can be sold and invoiced."""
    company_party = Party(name='Example Shop')
    company_party.save()
    create_company(company_party, get_currency('EUR'))
    create_chart()
    year = set_fiscalyear_invoice_sequences(create_fiscalyear())
    year.save()
    year.click('create_period')
    accounts = get_accounts()
    PaymentMethod = Model.get('account.invoice.payment.method')
    journal = Model.get('account.journal').find([('type', '=', 'cash')])[0]
    cash = PaymentMethod(name='Cash', journal=journal, credit_account=accounts['cash'], debit_account=accounts['cash'])
    cash.save()
    category = Model.get('product.category')(name='Services', accounting=True)
    category.account_expense = accounts['expense']
    category.account_revenue = accounts['revenue']
    category.save()
    template = Model.get('product.template')(name='Repair', type='service', salable=True)
    template.default_uom = Model.get('product.uom').find([('name', '=', 'Unit')])[0]
    template.list_price = Decimal('30')
    template.account_category = category
    template.save()
    return template.products[0], cash


def create_api_user():
    """The least rights that work: parties, their erase wizard, sales and invoices; not an administrator."""
    account = json.load(open(account_file))
    User = Model.get('res.user')
    Group = Model.get('res.group')
    user = User(name='Lethe', login=account['user'], password=account['password'])
    for name in ('Party Administration', 'Sales', 'Accounting'):
        user.groups.append(Group.find([('name', '=', name)])[0])
    company = Model.get('company.company').find()[0]
    user.companies.append(company)
    user.company = company
    user.save()


def add_person(name, contacts, street, code=None):
    """A party with contact mechanisms (type, value), an address and, when given, a customer number as identifier."""
    party = Party(name=name)
    address = party.addresses[0] if party.addresses else party.addresses.new()
    address.street, address.postal_code, address.city = street, '1050', 'Copenhagen'
    for kind, value in contacts:
        mechanism = party.contact_mechanisms.new()
        mechanism.type = kind
        mechanism.value = value
        mechanism.comment = 'Contact of %s' % name
    if code:
        identifier = party.identifiers.new()
        identifier.code = code
    party.save()
    return party


def sell(party, description, until, product=None, cash=None):
    """A sale brought to `until`: draft, quotation, unpaid (processing, invoice posted), done (invoice paid) or cancelled."""
    sale = Model.get('sale.sale')(party=party, description=description, comment='Rang %s about it' % party.name)
    sale.reference = description
    line = sale.lines.new()
    line.product = product
    line.quantity = 1
    sale.save()
    if until == 'draft':
        return sale
    if until == 'cancelled':
        sale.click('cancel')
        return sale
    sale.click('quote')
    if until == 'quotation':
        return sale
    sale.click('confirm')
    sale.reload()
    invoice = sale.invoices[0]
    invoice.description = 'Invoice for %s' % description
    invoice.invoice_date = TODAY
    invoice.click('post')
    if until == 'done':
        pay = invoice.click('pay')
        pay.form.payment_method = cash
        pay.execute('choice')
    sale.reload()
    assert sale.state == ('done' if until == 'done' else 'processing'), sale.state
    return sale


def add_shipment(party):
    """A delivery that is not sent yet: Tryton refuses to erase its customer, and only its own check says so."""
    shipment = Model.get('stock.shipment.out')(customer=party, delivery_address=party.addresses[0])
    shipment.save()


def add_note(resource, message):
    note = Model.get('ir.note')(message=message)
    note.resource = resource
    note.save()


def add_sent_mail(resource, address):
    """An entry of Tryton's mail archive, which is written when a mail is sent; only the archive matters here."""
    from trytond.pool import Pool
    from trytond.transaction import Transaction
    session = proteus_config.get_config()
    with Transaction().start(session.database_name, session.user) as transaction:
        Pool().get('ir.email').create([{
            'resource': '%s,%d' % ('sale.sale', resource.id),
            'recipients': address, 'subject': 'Your order', 'body': 'Dear %s' % address,
            'addresses': [('create', [{'address': address}])],
        }])
        transaction.commit()


def add_people(product, cash):
    everything = {}

    def person(key, *details, **more):
        everything[key] = add_person(*details, **more)
        return everything[key]

    shared_phone, family = '+45 20 12 34 56', 'family@example.test'
    carol = person('carol', 'Carol Jensen', [
        ('email', 'carol@example.test'), ('email', family), ('mobile', shared_phone)], 'Elm Street 1', code='LOY-1001')
    twin = person('twin', 'Carol Jensen', [('email', 'carol.jensen@example.test')], 'Elm Street 99', code='LOY-1002')
    dan = person('dan', 'Dan Jensen', [('email', family), ('mobile', shared_phone)], 'Elm Street 1')
    erik = person('erik', 'Erik Holm', [('email', 'erik@example.test')], 'Oak Road 2')
    unpaid = person('freja', 'Freja Lund', [('email', 'freja@example.test')], 'Oak Road 3')
    gerda = person('gerda', 'Gerda Friis', [('email', 'gerda@example.test'), ('phone', '+45 33 12 12 12')], 'Oak Road 4')
    mailed = person('hans', 'Hans Krogh', [('email', 'hans@example.test')], 'Oak Road 5')
    add_shipment(person('ida', 'Ida Bruun', [('email', 'ida@example.test')], 'Oak Road 6'))
    sales = [
        ('carol-done', sell(carol, 'order of carol@example.test', 'done', product, cash)),
        ('carol-cancelled', sell(carol, 'never mind, says carol@example.test', 'cancelled', product)),
        ('twin-done', sell(twin, 'order of carol.jensen@example.test', 'done', product, cash)),
        ('dan-done', sell(dan, 'order of family@example.test', 'done', product, cash)),
        ('erik-open', sell(erik, 'order of erik@example.test', 'quotation', product)),
        ('freja-unpaid', sell(unpaid, 'order of freja@example.test', 'unpaid', product)),
        ('gerda-done', sell(gerda, 'Repair of a lamp', 'done', product, cash)),
        ('gerda-cancelled', sell(gerda, 'gift from gerda@example.test', 'cancelled', product)),
        ('hans-done', sell(mailed, 'order of hans@example.test', 'done', product, cash)),
    ]
    add_note(carol, 'Prefers mail to carol@example.test')
    add_note(dict(sales)['carol-done'], 'Left the key with carol@example.test')
    add_note(dict(sales)['gerda-done'], 'Gerda Friis rings gerda@example.test when ready')
    add_note(dan, 'Pays for the family')
    add_sent_mail(dict(sales)['hans-done'], 'hans@example.test')
    return {
        'parties': {key: {'id': party.id, 'code': party.code} for key, party in everything.items()},
        'sales': {key: sale.id for key, sale in sales},
    }


books = set_up_books()
create_api_user()
print(json.dumps(add_people(*books)))
