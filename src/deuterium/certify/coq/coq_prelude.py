"""What every Coq file begins with: three facts of calculus and two tactics."""

BITS = 90  # of coq-interval's numbers, made of whole numbers: no hardware floats

PRELUDE = f"""\
Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
Open Scope R_scope.

(* The mean value theorem: f t = f c + df s (t - c) for some s between c and t. *)
Lemma mean_value_at (f df : R -> R) (a b c : R) :
  a <= c <= b -> (forall t, a <= t <= b -> is_derive f t (df t)) ->
  forall t, a <= t <= b -> exists s, a <= s <= b /\\ f t = f c + df s * (t - c).
Proof.
intros Hc Hd t Ht.
assert (inside : forall s, Rmin c t <= s <= Rmax c t -> a <= s <= b).
{{ intros s; unfold Rmin, Rmax; destruct (Rle_dec c t); lra. }}
destruct (MVT_gen f c t df) as [s [Hs E]].
- intros x Hx; apply Hd, inside; lra.
- intros x Hx; apply derivable_continuous_pt; exists (df x).
  now apply is_derive_Reals, Hd, inside.
- exists s; split; [now apply inside | lra].
Qed.

Lemma mean_value (f df : R -> R) (a b c low high most : R) :
  a <= c <= b -> (forall t, a <= t <= b -> is_derive f t (df t)) ->
  (forall t, a <= t <= b -> low <= df t <= high) ->
  high * (b - c) <= most -> low * (a - c) <= most -> 0 <= most ->
  forall t, a <= t <= b -> f t <= f c + most.
Proof.
intros Hc Hd Hr Hb Ha H0 t Ht.
destruct (mean_value_at f df a b c Hc Hd t Ht) as [s [Hs ->]].
specialize (Hr s Hs); apply Rplus_le_compat_l.
destruct (Rle_dec c t).
- apply Rle_trans with (high * (t - c)); [apply Rmult_le_compat_r; lra|].
  destruct (Rle_dec 0 high); [|apply Rle_trans with 0; [nra|assumption]].
  apply Rle_trans with (2 := Hb); apply Rmult_le_compat_l; lra.
- apply Rle_trans with (low * (t - c)); [nra|].
  destruct (Rle_dec 0 low); [apply Rle_trans with 0; [nra|assumption]|].
  apply Rle_trans with (2 := Ha); nra.
Qed.

Lemma rising (f df : R -> R) (a b : R) :
  (forall t, a <= t <= b -> is_derive f t (df t)) ->
  (forall t, a <= t <= b -> 0 <= df t) -> forall t, a <= t <= b -> f t <= f b.
Proof.
intros Hd Hr t Ht.
destruct (mean_value_at f df a b b) with (t := t) as [s [Hs ->]]; [lra|easy|easy|].
specialize (Hr s Hs); nra.
Qed.

Lemma falling (f df : R -> R) (a b : R) :
  (forall t, a <= t <= b -> is_derive f t (df t)) ->
  (forall t, a <= t <= b -> df t <= 0) -> forall t, a <= t <= b -> f t <= f a.
Proof.
intros Hd Hr t Ht.
destruct (mean_value_at f df a b a) with (t := t) as [s [Hs ->]]; [lra|easy|easy|].
specialize (Hr s Hs); nra.
Qed.

(* A function whose slope never falls is largest at an end. *)
Lemma convex_ends (f df ddf : R -> R) (a b most : R) :
  (forall t, a <= t <= b -> is_derive f t (df t)) ->
  (forall t, a <= t <= b -> is_derive df t (ddf t)) ->
  (forall t, a <= t <= b -> 0 <= ddf t) ->
  f a <= most -> f b <= most -> forall t, a <= t <= b -> f t <= most.
Proof.
intros Hd Hdd Hr Ha Hb t Ht.
destruct (Rle_dec 0 (df t)) as [up|down].
- apply Rle_trans with (2 := Hb).
  apply (rising f df t b); [intros s Hs; apply Hd; lra| |lra].
  intros s Hs; apply Rle_trans with (1 := up).
  apply (rising df ddf t s); [| |lra]; intros u Hu; [apply Hdd | apply Hr]; lra.
- apply Rle_trans with (2 := Ha).
  apply (falling f df a t); [intros s Hs; apply Hd; lra| |lra].
  intros s Hs; apply Rle_trans with (df t); [|lra].
  apply (rising df ddf s t); [| |lra]; intros u Hu; [apply Hdd | apply Hr]; lra.
Qed.

Lemma root_below (s c : R) : 0 <= c -> s <= c * c -> sqrt s <= c.
Proof.
intros Hc Hs; rewrite <- (sqrt_square c Hc); now apply sqrt_le_1_alt.
Qed.

Lemma absolute_below (s c : R) : s <= c -> - s <= c -> Rabs s <= c.
Proof. intros; apply Rabs_le; lra. Qed.

(* By interval arithmetic: an inequality, and that something is not zero. *)
Ltac range := interval with (i_prec {BITS}).
Ltac nonzero := first [apply Rgt_not_eq; range | apply Rlt_not_eq; range].
Ltac side := first [exact I | assumption | lra | range | nonzero].
(* auto_derive writes powers out, inside functions as well. *)
Ltac equal := cbn [pow]; first [ring | field; repeat split; side].
"""
