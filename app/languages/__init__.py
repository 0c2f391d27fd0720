"""The languages of payers: texts from catalogs, and money, dates and numbers as CLDR writes them."""
