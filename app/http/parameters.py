"""Parameter types that operations share. They refuse what PostgreSQL cannot store: a NUL."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from app.http.schemas import Time

PRINTABLE = r"^[^\x00-\x1f\x7f]+$"

ProductId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["prod_QZ4a"])]
PriceId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["price_1Pgf"])]
CustomerId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["cus_QXg1"])]
TaxRateId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["txr_1Pgf"])]
TaxId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["txi_1Pgf"])]
CouponId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["SPRING26"])]
PromotionCodeId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["promo_1Pgf"])]
InvoiceId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["in_1PgF"])]
RefundId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["re_3Pgf"])]
CreditNoteId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["cn_1Pgf"])]
DisputeId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["du_1Pgf"])]
PaymentMethodId = Annotated[str, Path(max_length=255, pattern=r"^[A-Za-z0-9_]+$", examples=["pm_1Pgf"])]
SetupIntentId = Annotated[str, Path(max_length=255, pattern=r"^[A-Za-z0-9_]+$", examples=["seti_1Pgf"])]
PaymentRecordId = Annotated[str, Path(max_length=255, pattern=r"^[A-Za-z0-9_]+$", examples=["pr_1Pgf"])]
ItemId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["ii_1Pgf"])]
LinkId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["plk_1Pgf"])]
KeyId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["key_0d8c"])]
ActionId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["act_5d0c1e"])]
EndpointId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["whe_0d8c"])]
DeliveryId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["dlv_7c1e"])]
EventId = Annotated[str, Path(max_length=255, pattern=PRINTABLE, examples=["evt_1Pgf"])]

IdQuery = Annotated[str | None, Field(max_length=255, pattern=PRINTABLE)]
EmailQuery = Annotated[str | None, Field(max_length=512, pattern=PRINTABLE)]
ReferenceQuery = Annotated[str | None, Field(max_length=200, pattern=PRINTABLE)]
TextQuery = Annotated[str | None, Field(max_length=200, pattern=PRINTABLE)]
TimeQuery = Time | None
