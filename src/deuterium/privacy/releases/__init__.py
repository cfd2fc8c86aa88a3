"""From a query, data and a domain to numbers that may be published."""
