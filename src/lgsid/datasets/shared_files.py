"""Public files that several datasets share: administrative boundaries and the taxonomy of categories."""

from __future__ import annotations

from lgsid.datasets.public_dataset import PublicFile

NYC_BOROUGHS = PublicFile(
    "boundaries/nybb_16a.zip",
    "geopandas/geodatasets",
    "ef8bcc9b6778a47dfaea689fa9e772276d1d6d73",
    "data_backup/nybb_16a.zip",
    "a303be17630990455eb079777a6b31980549e9096d66d41ce0110761a7e2f92a",
)
NYC_NEIGHBORHOODS = PublicFile(
    "boundaries/nyc_nta.geojson.gz",
    "NYCPlanning/map-styles",
    "730cf891ddc5d3930aacea6038d2259852367425",
    "data/nta.geojson",
    "e5b1336a3e39f2a8e2823555a360ef7a7bab2b47b1173eeb7ddfa473e5ac1deb",
)
US_COUNTIES = PublicFile(
    "boundaries/us_counties_fips.geojson.gz",
    "plotly/datasets",
    "0c447c47b757ad74edecab31f0d72f849d2e67c2",
    "geojson-counties-fips.json",
    "e540149b7525e71ee6b6cab6dea2a95205f11e0c3e7374d27a7c9c47ea96e8c0",
)
NEW_YORK = (NYC_BOROUGHS, NYC_NEIGHBORHOODS, US_COUNTIES)
NEW_YORK_TERMS = (
    "Boundaries: NYC Department of City Planning (no representation as to accuracy or suitability); US Census counties "
    "(public domain) from plotly/datasets (MIT)."
)

DOSM = "dosm-malaysia/data-open", "21a78e98efd4cd9b022a27a1bf67d167076b7591"
MALAYSIA = (
    PublicFile(
        "boundaries/my_administrative_1_state.geojson.gz",
        *DOSM,
        "datasets/geodata/administrative_1_state.geojson",
        "538f9301431c9f4a7c9262b419c9f6705fdfc57275aedf44c7bbbd7aff748587",
    ),
    PublicFile(
        "boundaries/my_administrative_2_district.geojson.gz",
        *DOSM,
        "datasets/geodata/administrative_2_district.geojson",
        "3edb1022b2de371bba6b7afb9802b6fc6d747c86dbcc40abf2374a9134f3c561",
    ),
    PublicFile(
        "boundaries/my_electoral_0_parlimen.geojson.gz",
        *DOSM,
        "datasets/geodata/electoral_0_parlimen.geojson",
        "c6604bcb078ce7ca208c65cb2b778a40d299995457e88557a128e0c1ec69ac36",
    ),
)
MALAYSIA_TERMS = "Boundaries: Department of Statistics Malaysia, Open Data License (free use with attribution)."

FOURSQUARE_TAXONOMY = PublicFile(
    "taxonomy/mapping.csv",
    "D2KLab/semantic-trails",
    "19b569066d29cca3939b7154279f252d4ed4ee34",
    "mapping.csv",
    "a6b666c2783cf4e8dad035667b32ecbab6c278658116ee6fe7600b5d88072476",
)
TAXONOMY_TERMS = "Taxonomy: D2KLab/semantic-trails (Apache-2.0)."
