"""Certificates and what carries some, as releases wrote them: never written anew."""

from pathlib import Path

FILES = sorted(Path(__file__).parent.glob("*.json"))
