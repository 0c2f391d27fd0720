"""A client for the invoicing service.

from invoicing_client import Invoicing

invoicing = Invoicing("http://127.0.0.1:8000", api_key)
customer = invoicing.customers.create(name="Jenny Rosen", email="jenny.rosen@example.com")
"""

from . import models
from ._call import InvoicingError, InvoicingUnavailable
from ._client import AsyncInvoicing, Invoicing
from ._feed import Place, SqlitePlace

__all__ = ["AsyncInvoicing", "Invoicing", "InvoicingError", "InvoicingUnavailable", "Place", "SqlitePlace", "models"]
