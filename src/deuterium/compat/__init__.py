"""What the seed notebooks call: object arrays of scalar Variables.

Takes arrays, counts and names; gives object arrays of scalar Variables.
"""
