from .staff import Person

__all__ = ["Person"]
